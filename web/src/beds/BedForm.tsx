import { useQueryClient } from '@tanstack/react-query';
import { App, DatePicker, Modal, Select } from 'antd';
import type { Patient } from 'fhir/r4';
import { useId, useState } from 'react';
import { dateTime, today } from '../fhir/dates';
import { patientName } from '../fhir/patient';
import { useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { useReading } from '../page/reading';
import type { Doing } from './BedCard';
import { wardsOf } from './BedsPage';
import { act, type Bed, WAYS_TO_LEAVE, type Ward } from './beds';
import styles from './beds.module.css';
import { PatientField } from './PatientField';

const HOURS = ['1', '2', '4', '8', '24', '48'] as const;

/** The dialog of one act. What is wrong is said in it, and what was chosen is kept. */
export function BedForm({ doing: { what, bed }, ward, onDone }: { doing: Doing; ward: Ward; onDone: () => void }) {
  const { t } = useLocale();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const [patient, setPatient] = useState<Patient | null>(null);
  const [expected, setExpected] = useState('');
  const [hours, setHours] = useState<string>('2');
  const [to, setTo] = useState('');
  const [way, setWay] = useState<string>('1');
  const fields = useId();

  const keptFor = bed?.state === 'held' ? bed.hold?.patient : undefined;
  const place = bed ? t('bed.number', { n: bed.number }) : `${ward.name}（${t('bed.admit.any')}）`;
  const name = bed?.patient?.name ?? keptFor?.name ?? (patient ? patientName(patient) : '');
  const whom = keptFor ? `Patient/${keptFor.id}` : patient ? `Patient/${patient.id ?? ''}` : '';
  const where = bed?.id ?? ward.id;

  const calls: Record<Doing['what'], { values: () => Record<string, string>; ready: boolean; said: () => string }> = {
    admit: {
      values: () => ({ patient: whom, expected }),
      ready: Boolean(whom),
      said: () => t('bed.admit.done', { name, bed: bed ? place : ward.name }),
    },
    hold: {
      values: () => ({ patient: whom, until: later(Number(hours)) }),
      ready: Boolean(whom),
      said: () => t('bed.hold.done', { bed: place, time: dateTime(later(Number(hours))) }),
    },
    release: { values: () => ({}), ready: true, said: () => t('bed.release.done', { bed: place }) },
    transfer: {
      values: () => ({ to }),
      ready: Boolean(to),
      said: () => t('bed.transfer.done', { name, bed: nameOf(to, ward) }),
    },
    expect: { values: () => ({ expected }), ready: Boolean(expected), said: () => t('bed.expect.done') },
    discharge: { values: () => ({ disposition: way }), ready: true, said: () => t('bed.discharge.done', { name }) },
  };
  const call = calls[what];

  async function go(): Promise<void> {
    setBusy(true);
    try {
      await act(where, what === 'expect' ? 'expect-discharge' : what, call.values());
      void message.success(call.said(), 5);
      await queries.invalidateQueries({ queryKey: ['beds'] });
      onDone();
    } catch (error) {
      setProblem(error);
      setBusy(false);
      void queries.invalidateQueries({ queryKey: ['beds'] });
    }
  }

  const title =
    what === 'admit' || what === 'hold' || what === 'release'
      ? t(`bed.${what}.title`, { bed: place })
      : t(`bed.${what}.title`, { name });
  return (
    <Modal
      open
      title={title}
      okText={t(`bed.${what}`)}
      cancelText={t('do.cancel')}
      confirmLoading={busy}
      okButtonProps={{ disabled: !call.ready, danger: what === 'release' }}
      onOk={() => void go()}
      onCancel={onDone}
      destroyOnHidden
    >
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (call.ready) void go();
        }}
      >
        {(what === 'admit' || what === 'hold') &&
          (keptFor ? (
            <p>
              {t('bed.patient')} <strong>{keptFor.name}</strong>
            </p>
          ) : (
            <div>
              <label htmlFor={`${fields}-patient`}>{t('bed.patient')}</label>
              <PatientField id={`${fields}-patient`} onChoose={setPatient} />
            </div>
          ))}
        {what === 'hold' && (
          <div>
            <label htmlFor={`${fields}-hours`}>{t('bed.hold.hours')}</label>
            <Select
              id={`${fields}-hours`}
              value={hours}
              onChange={setHours}
              options={HOURS.map((n) => ({ value: n as string, label: t('bed.hold.hours.of', { n }) }))}
            />
          </div>
        )}
        {what === 'transfer' && <Goal id={`${fields}-to`} ward={ward} from={bed} onChoose={setTo} />}
        {(what === 'admit' || what === 'expect') && (
          <div>
            <label htmlFor={`${fields}-expected`}>{t('bed.expect.day')}</label>
            <DatePicker
              id={`${fields}-expected`}
              onChange={(_, text) => setExpected(String(text ?? ''))}
              disabledDate={(one) => one.format('YYYY-MM-DD') < today(new Date())}
            />
          </div>
        )}
        {what === 'discharge' && (
          <div>
            <label htmlFor={`${fields}-way`}>{t('bed.discharge.way')}</label>
            <Select
              id={`${fields}-way`}
              value={way}
              onChange={setWay}
              options={WAYS_TO_LEAVE.map((one) => ({ value: one as string, label: t(`bed.discharge.way.${one}`) }))}
            />
            <p className="quiet">{t('bed.discharge.text')}</p>
          </div>
        )}
        {what === 'release' && <p>{t('bed.release.text')}</p>}
        {problem !== null && <Failure error={problem} what={t('bed.what')} title={t('bed.failed')} />}
      </form>
    </Modal>
  );
}

const later = (hours: number): string =>
  new Date(Math.ceil(Date.now() / 60_000) * 60_000 + hours * 3_600_000).toISOString();

const nameOf = (reference: string, ward: Ward): string =>
  ward.beds.find((bed) => reference === `Location/${bed.id}`)?.name ?? '';

/** A bed of this ward that is free, or any of another ward of the house. */
function Goal({
  id,
  ward,
  from,
  onChoose,
}: {
  id: string;
  ward: Ward;
  from: Bed | null;
  onChoose: (to: string) => void;
}) {
  const { t } = useLocale();
  const of = ward.institution.reference ?? '';
  const reading = useReading(['beds', 'wards', of], (signal) => wardsOf(of, signal));
  const wards = reading.state === 'here' ? reading.value : [];
  const here = ward.beds.filter((bed) => bed.id !== from?.id && (bed.state === 'free' || bed.state === 'cleaning'));
  const beds = here.map((bed) => ({ value: `Location/${bed.id}`, label: bed.name }));
  const others = wards
    .filter((one) => one.key !== `Location/${ward.id}` && one.free > 0)
    .map((one) => ({ value: one.key, label: t('bed.transfer.ward', { ward: one.place?.display ?? '', n: one.free }) }));
  return (
    <div>
      <label htmlFor={id}>{t('bed.transfer.to')}</label>
      <Select
        id={id}
        autoFocus
        showSearch={{ optionFilterProp: 'label' }}
        placeholder={t('bed.transfer.hint')}
        onChange={onChoose}
        options={[
          { label: ward.name, options: beds },
          { label: t('bed.ward'), options: others },
        ].filter((group) => group.options.length > 0)}
      />
    </div>
  );
}
