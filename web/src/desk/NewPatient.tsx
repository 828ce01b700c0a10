import { Button, Input, Radio } from 'antd';
import type { Patient } from 'fhir/r4';
import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { Link, useLocation, useNavigate } from 'react-router';
import { Problem } from '../client/problem';
import { today } from '../fhir/dates';
import { chinese, useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { Panel } from '../page/Panel';
import styles from './desk.module.css';
import type { Entry } from './entry';
import { type Found, matching, registerPatient } from './find';
import { dashed, type Faults, type Form, faultsOf, KINDS, patientOf, startFrom, withNumber } from './form';
import { Twins } from './Twins';

/** `/desk/new`: a patient nobody knows yet. Before anything is stored it is looked whether somebody does. */
export default function NewPatient() {
  const { t } = useLocale();
  const navigate = useNavigate();
  const onDay = today(new Date());
  const start = (useLocation().state as { typed?: Entry | null } | null)?.typed;
  const [form, setForm] = useState<Form>(() => startFrom(start, onDay));
  const [checked, setChecked] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const [twins, setTwins] = useState<{ patient: Patient; found: Found } | null>(null);
  const faults = checked ? faultsOf(form, onDay, t) : {};

  async function store(patient: Patient, reason: string): Promise<void> {
    setBusy(true);
    try {
      const made = await registerPatient(patient, reason);
      void navigate(`/desk/${made.id ?? ''}`, { replace: true });
      return;
    } catch (error) {
      if (error instanceof Problem && error.codes().includes('patient-already-known')) {
        setTwins({ patient, found: await matching(patient) }); // somebody registered this person meanwhile
      } else {
        setProblem(error);
      }
    }
    setBusy(false);
  }

  async function save(event: FormEvent): Promise<void> {
    event.preventDefault();
    setChecked(true);
    setProblem(null);
    const wrong = Object.keys(faultsOf(form, onDay, t))[0];
    if (wrong) {
      document.querySelector<HTMLElement>(`[data-field="${wrong}"] input`)?.focus();
      return;
    }
    const patient = patientOf(form, chinese);
    setBusy(true);
    try {
      const found = await matching(patient);
      if (found.candidates.length > 0) {
        setTwins({ patient, found });
        setBusy(false);
        return;
      }
    } catch (error) {
      setProblem(error);
      setBusy(false);
      return;
    }
    await store(patient, '');
  }

  return (
    <div className={styles.page}>
      <p className={styles.crumb}>
        <Link to="/desk">{t('desk.back')}</Link>
      </p>
      <h1 className={styles.title}>{t('desk.new.title')}</h1>
      {problem !== null && <Failure error={problem} what={t('desk.new.what')} title={t('desk.new.failed')} />}
      {twins ? (
        <Twins
          patient={twins.patient}
          found={twins.found}
          busy={busy}
          onThis={(id) => void navigate(`/desk/${id}`)}
          onNew={(reason) => void store(twins.patient, reason)}
          onChange={() => setTwins(null)}
        />
      ) : (
        <Panel title={t('desk.new.form')}>
          <form className={styles.form} onSubmit={(event) => void save(event)} noValidate>
            <p className="quiet">{t('desk.new.how')}</p>
            <Fields form={form} faults={faults} onDay={onDay} setForm={setForm} />
            <Button type="primary" htmlType="submit" size="large" loading={busy}>
              {t('desk.new.save')}
            </Button>
          </form>
        </Panel>
      )}
    </div>
  );
}

interface FieldsProps {
  form: Form;
  faults: Faults;
  onDay: string;
  setForm: (form: Form) => void;
}

function Fields({ form, faults, onDay, setForm }: FieldsProps) {
  const { t } = useLocale();
  const set = (change: Partial<Form>) => setForm({ ...form, ...change });
  return (
    <>
      <fieldset>
        <legend>{t('desk.new.kind')}</legend>
        <Radio.Group
          optionType="button"
          buttonStyle="solid"
          options={KINDS.map((value) => ({ value, label: t(`desk.new.kind.${value}`) }))}
          value={form.kind}
          onChange={(event) => set({ kind: event.target.value })}
        />
      </fieldset>
      {form.kind === 'ordinary' && (
        <>
          <Field name="number" label={t('desk.new.id')} hint={t('desk.new.id.hint')} faults={faults}>
            {(ids) => (
              <Input
                {...ids}
                autoFocus
                autoComplete="off"
                maxLength={24}
                value={form.number}
                onChange={(event) => setForm(withNumber(form, event.target.value, onDay))}
              />
            )}
          </Field>
          <Field name="name" label={t('desk.new.name')} faults={faults} required>
            {(ids) => (
              <Input
                {...ids}
                autoComplete="off"
                value={form.name}
                onChange={(event) => set({ name: event.target.value })}
              />
            )}
          </Field>
        </>
      )}
      {form.kind === 'newborn' && (
        <Field name="mother" label={t('desk.new.mother')} hint={t('desk.new.mother.hint')} faults={faults} required>
          {(ids) => (
            <Input
              {...ids}
              autoComplete="off"
              value={form.mother}
              onChange={(event) => set({ mother: event.target.value })}
            />
          )}
        </Field>
      )}
      {form.kind === 'unknown' && (
        <Field name="mark" label={t('desk.new.mark')} hint={t('desk.new.mark.hint')} faults={faults}>
          {(ids) => (
            <Input
              {...ids}
              autoComplete="off"
              maxLength={60}
              value={form.mark}
              onChange={(event) => set({ mark: event.target.value })}
            />
          )}
        </Field>
      )}
      <div className={styles.pair}>
        <Field name="gender" label={t('desk.new.sex')} faults={faults} required group>
          {() => (
            <Radio.Group
              options={(['male', 'female', 'unknown'] as const).map((value) => ({ value, label: t(`sex.${value}`) }))}
              value={form.gender}
              onChange={(event) => set({ gender: event.target.value })}
            />
          )}
        </Field>
        <Field
          name="birthDate"
          label={t('desk.new.born')}
          hint={t('desk.new.born.hint')}
          faults={faults}
          required={form.kind !== 'unknown'}
        >
          {(ids) => (
            <Input
              {...ids}
              inputMode="numeric"
              autoComplete="off"
              maxLength={10}
              value={form.birthDate}
              onChange={(event) => set({ birthDate: dashed(event.target.value) })}
            />
          )}
        </Field>
      </div>
      {form.kind !== 'unknown' && (
        <>
          <Field name="phone" label={t('desk.new.phone')} faults={faults}>
            {(ids) => (
              <Input
                {...ids}
                inputMode="tel"
                autoComplete="off"
                value={form.phone}
                onChange={(event) => set({ phone: event.target.value })}
              />
            )}
          </Field>
          <Field name="address" label={t('desk.new.address')} faults={faults}>
            {(ids) => (
              <Input
                {...ids}
                autoComplete="off"
                value={form.address}
                onChange={(event) => set({ address: event.target.value })}
              />
            )}
          </Field>
        </>
      )}
    </>
  );
}

interface FieldProps {
  name: keyof Form;
  label: string;
  hint?: string;
  faults: Faults;
  required?: boolean;
  group?: boolean;
  children: (ids: { id: string; 'aria-invalid': boolean; 'aria-describedby': string | undefined }) => ReactNode;
}

function Field({ name, label, hint, faults, required = false, group = false, children }: FieldProps) {
  const { t } = useLocale();
  const id = useId();
  const fault = faults[name];
  const about = fault ? `${id}-fault` : hint ? `${id}-hint` : undefined;
  const title = (
    <>
      {label}
      {required && <span className={styles.required}> *</span>}
    </>
  );
  const body = children({ id, 'aria-invalid': fault !== undefined, 'aria-describedby': about });
  return (
    <div data-field={name}>
      {group ? (
        <fieldset aria-describedby={about}>
          <legend>{title}</legend>
          {body}
        </fieldset>
      ) : (
        <>
          <label htmlFor={id}>{title}</label>
          {body}
        </>
      )}
      {hint && !fault && (
        <p className="quiet" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {fault && (
        <p className={styles.fault} id={`${id}-fault`} role="alert">
          {t(fault.key, fault.values)}
        </p>
      )}
    </div>
  );
}
