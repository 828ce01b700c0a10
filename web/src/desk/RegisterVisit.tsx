import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Radio, Select } from 'antd';
import type { Patient } from 'fhir/r4';
import { type FormEvent, useId, useState } from 'react';
import { useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { Panel } from '../page/Panel';
import { matches, nameIn } from '../referral/codes/search';
import { SPECIALTIES } from '../referral/codes/specialties';
import styles from './desk.module.css';
import { type Coming, type NewVisit, registerVisit } from './find';

const KINDS: readonly NewVisit['kind'][] = ['outpatient', 'emergency', 'inpatient'];
const WHEN: readonly NewVisit['status'][] = ['arrived', 'planned'];

/** Registers the next visit; the department of the referral somebody comes by is suggested. */
export function RegisterVisit({ patient, suggested }: { patient: Patient; suggested: Coming | undefined }) {
  const { t, lang } = useLocale();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const department = useId();
  const [visit, setVisit] = useState<NewVisit>({
    kind: 'outpatient',
    status: 'arrived',
    specialty: SPECIALTIES.find((one) => one.zh === suggested?.department)?.code ?? '',
  });
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);

  async function register(event: FormEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    try {
      const made = await registerVisit(patient.id ?? '', visit);
      setProblem(null);
      void message.success(t('desk.registered', { number: made.identifier?.[0]?.value ?? '' }), 6);
      await queries.invalidateQueries({ queryKey: ['desk', patient.id] });
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  }

  return (
    <Panel title={t('desk.register')}>
      <form className={styles.form} onSubmit={(event) => void register(event)}>
        <fieldset>
          <legend>{t('desk.register.kind')}</legend>
          <Radio.Group
            optionType="button"
            buttonStyle="solid"
            options={KINDS.map((value) => ({ value, label: t(`desk.kind.${value}`) }))}
            value={visit.kind}
            onChange={(event) => setVisit({ ...visit, kind: event.target.value })}
          />
        </fieldset>
        <div>
          <label htmlFor={department}>{t('desk.register.department')}</label>
          <Select
            id={department}
            allowClear
            showSearch={{ filterOption: false, onSearch: setTyped }}
            placeholder={t('desk.register.department.hint')}
            options={SPECIALTIES.filter((one) => matches(one, typed)).map((one) => ({
              value: one.code,
              label: nameIn(one, lang),
            }))}
            value={visit.specialty || undefined}
            onChange={(code: string | undefined) => setVisit({ ...visit, specialty: code ?? '' })}
          />
        </div>
        <fieldset>
          <legend>{t('desk.register.when')}</legend>
          <Radio.Group
            options={WHEN.map((value) => ({ value, label: t(`desk.when.${value}`) }))}
            value={visit.status}
            onChange={(event) => setVisit({ ...visit, status: event.target.value })}
          />
        </fieldset>
        {problem !== null && (
          <Failure error={problem} what={t('desk.register.what')} title={t('desk.register.failed')} />
        )}
        <Button type="primary" htmlType="submit" loading={busy}>
          {t('desk.register.go')}
        </Button>
      </form>
    </Panel>
  );
}
