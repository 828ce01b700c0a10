import { Alert, Button, Input } from 'antd';
import type { Patient } from 'fhir/r4';
import { useId, useState } from 'react';
import { day } from '../fhir/dates';
import { Name } from '../fhir/Name';
import { addressText, mainIdentifier, patientName, phone, sexText } from '../fhir/patient';
import { type Lang, type Translate, useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import { Grade, shownNumber } from './Candidates';
import styles from './desk.module.css';
import type { Found } from './find';
import { type Line, linesOf, type Sameness } from './sameness';

interface TwinsProps {
  patient: Patient;
  found: Found;
  busy: boolean;
  /** It is this person, whose record we may open. */
  onThis: (id: string) => void;
  /** Register all the same, with a reason. */
  onNew: (reason: string) => void;
  onChange: () => void;
}

const MOST = 3;

/** Said before a patient is registered twice: what was typed and the records there are, line by line. */
export function Twins({ patient, found, busy, onThis, onNew, onChange }: TwinsProps) {
  const { t } = useLocale();
  const reasonId = useId();
  const [reason, setReason] = useState('');
  const [asked, setAsked] = useState(false);
  const [card, setCard] = useState(false);
  const shown = found.candidates.slice(0, MOST);
  const certain = found.candidates.some((one) => one.grade === 'certain');
  const missing = certain && !reason.trim();
  return (
    <div className={styles.stack}>
      <Alert
        type={certain ? 'error' : 'warning'}
        showIcon
        role="alert"
        title={t('desk.twins.title')}
        description={t(certain ? 'desk.twins.certain' : 'desk.twins.maybe')}
      />
      <Panel title={t('desk.found', { n: found.candidates.length })}>
        <div className={styles.wide}>
          <Comparison patient={patient} shown={shown} onThis={(id, ours) => (ours ? onThis(id) : setCard(true))} />
        </div>
        {card && (
          <p role="alert" className={styles.wrong}>
            {t('desk.twins.card')} <Button onClick={() => onThis('')}>{t('desk.back')}</Button>
          </p>
        )}
      </Panel>
      <Panel title={t('desk.twins.new')}>
        <form
          className={styles.form}
          onSubmit={(event) => {
            event.preventDefault();
            setAsked(true);
            if (!missing) onNew(reason.trim());
          }}
        >
          <div>
            <label htmlFor={reasonId}>
              {t('desk.twins.reason')}
              {certain && <span className={styles.required}> *</span>}
            </label>
            <Input
              id={reasonId}
              maxLength={200}
              autoComplete="off"
              placeholder={t('desk.twins.reason.hint')}
              aria-invalid={asked && missing}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
            {asked && missing && (
              <p role="alert" className={styles.fault}>
                {t('desk.twins.reason.need')}
              </p>
            )}
          </div>
          <div className={styles.row}>
            <Button onClick={onChange}>{t('desk.twins.change')}</Button>
            <Button htmlType="submit" danger={certain} loading={busy}>
              {t('desk.twins.new')}
            </Button>
          </div>
        </form>
      </Panel>
    </div>
  );
}

interface ComparisonProps {
  patient: Patient;
  shown: Found['candidates'];
  onThis: (id: string, ours: boolean) => void;
}

function Comparison({ patient, shown, onThis }: ComparisonProps) {
  const { t, lang } = useLocale();
  const typed = told(patient, t, lang, (value) => value ?? '');
  const theirs = shown.map((one) => linesOf(patient, one.patient, told(one.patient, t, lang)));
  return (
    <table className={styles.twins}>
      <thead>
        <tr>
          <th scope="col">{t('desk.twins.item')}</th>
          <th scope="col">{t('desk.twins.typed')}</th>
          {shown.map((one, place) => (
            <th scope="col" key={one.patient.id}>
              {t('desk.twins.there', { n: place + 1 })} <Grade grade={one.grade} />
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {typed.map((line, row) => (
          <tr key={line.label}>
            <th scope="row">{line.label}</th>
            <td>{line.text || '—'}</td>
            {theirs.map((lines, place) => (
              <td key={shown[place]?.patient.id} className={styles[lines[row]?.sameness ?? 'unknown']}>
                {lines[row]?.text || '—'} <Mark of={lines[row]?.sameness ?? 'unknown'} />
              </td>
            ))}
          </tr>
        ))}
        <tr>
          <th scope="row">{t('desk.twins.registered')}</th>
          <td>—</td>
          {shown.map((one) => (
            <td key={one.patient.id}>
              <Name of={one.patient.managingOrganization} otherwise="—" />
            </td>
          ))}
        </tr>
        <tr>
          <td colSpan={2} />
          {shown.map((one) => (
            <td key={one.patient.id}>
              <Button type="primary" onClick={() => onThis(one.patient.id ?? '', one.ours)}>
                {t('desk.twins.this')}
              </Button>
            </td>
          ))}
        </tr>
      </tbody>
    </table>
  );
}

function Mark({ of }: { of: Sameness }) {
  const { t } = useLocale();
  return of === 'unknown' ? null : <span className={styles.mark}>{t(`desk.twins.${of}`)}</span>;
}

/** The lines that are compared, in the words of the page. */
function told(
  patient: Patient,
  t: Translate,
  lang: Lang,
  shown: (value: string | undefined) => string = shownNumber,
): Line[] {
  return [
    { field: 'name', label: t('patient.name'), text: patientName(patient) },
    { field: 'gender', label: t('patient.sex'), text: patient.gender ? sexText(patient, t) : '' },
    { field: 'birthDate', label: t('patient.born'), text: day(patient.birthDate) },
    { field: 'number', label: t('patient.identifier'), text: shown(mainIdentifier(patient)?.value) },
    { field: 'phone', label: t('patient.phone'), text: shown(phone(patient)) },
    { field: 'address', label: t('patient.address'), text: addressText(patient, lang) },
  ];
}
