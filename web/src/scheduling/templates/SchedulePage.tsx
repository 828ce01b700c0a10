import { App, Button, Checkbox, Select } from 'antd';
import type { HealthcareService, Parameters, PractitionerRole, Schedule } from 'fhir/r4';
import { useState } from 'react';
import { useNavigate, useParams } from 'react-router';
import { usePerson } from '../../access/person';
import { create, operate, read, search, update } from '../../client/client';
import { today } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { Failure } from '../../page/Failure';
import { Panel } from '../../page/Panel';
import { Read, useReading } from '../../page/reading';
import { SPECIALTIES } from '../../referral/codes/specialties';
import { Field } from './Field';
import { OutlookTable } from './OutlookTable';
import { ExceptionsEditor, RowsEditor } from './RowsEditor';
import { StopPanel } from './StopPanel';
import {
  BOOKING_KIND,
  count,
  exceptionsOf,
  KINDS,
  type Kind,
  kindOf,
  newRow,
  type Outlook,
  outlookOf,
  parametersOf,
  rowsOf,
  SPECIALTY,
  withTemplate,
} from './template';
import styles from './templates.module.css';

const MOST = 200;

interface Whom {
  reference: string;
  name: string;
  specialty: string;
}

/** `/schedules/new` and `/schedules/:id`: the template of one schedule, what it would make, and its stops. */
export default function SchedulePage() {
  const { id = 'new' } = useParams();
  const { t } = useLocale();
  const reading = useReading(
    ['schedule', id],
    (signal): Promise<Schedule> =>
      id === 'new'
        ? Promise.resolve<Schedule>({ resourceType: 'Schedule', active: true, actor: [] })
        : read<Schedule>('Schedule', id, signal),
    { staleTime: id === 'new' ? Number.POSITIVE_INFINITY : 0 },
  );
  return (
    <Read of={reading} what={t('schedule.what')} rows={10}>
      {(schedule) => <Form key={`${id} ${schedule.meta?.versionId ?? ''}`} schedule={schedule} />}
    </Read>
  );
}

function Form({ schedule }: { schedule: Schedule }) {
  const { t } = useLocale();
  const { message } = App.useApp();
  const navigate = useNavigate();
  const isNew = !schedule.id;
  const [who, setWho] = useState<Whom>({
    reference: schedule.actor[0]?.reference ?? '',
    name: schedule.actor[0]?.display ?? '',
    specialty: '',
  });
  const [specialty, setSpecialty] = useState(
    schedule.specialty?.flatMap(({ coding }) => coding ?? []).find(({ system }) => system === SPECIALTY)?.code ?? '',
  );
  const [kind, setKind] = useState<Kind>(kindOf(schedule));
  const [active, setActive] = useState(schedule.active !== false);
  const [rows, setRows] = useState(isNew ? [newRow()] : rowsOf(schedule));
  const [exceptions, setExceptions] = useState(exceptionsOf(schedule));
  const [outlook, setOutlook] = useState<Outlook | null>(null);
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState<'' | 'preview' | 'save'>('');
  const incomplete =
    !who.reference || !specialty || (isNew && rows.length === 0) || rows.some((row) => row.weekdays.length === 0);
  const changed = (): void => setOutlook(null);

  const drafted = (): Schedule => {
    const named = SPECIALTIES.find(({ code }) => code === specialty);
    return withTemplate(
      {
        ...schedule,
        active,
        serviceCategory: [{ coding: [{ system: BOOKING_KIND, code: kind }] }],
        specialty: [
          {
            coding: [{ system: SPECIALTY, code: specialty, ...(named ? { display: named.zh } : {}) }],
            ...(named ? { text: named.zh } : {}),
          },
        ],
        actor: isNew ? [{ reference: who.reference, display: who.name }] : schedule.actor,
      },
      rows,
      exceptions,
    );
  };

  async function act(what: 'preview' | 'save') {
    setBusy(what);
    setFault(null);
    try {
      if (what === 'preview') {
        const asked: Parameters = {
          resourceType: 'Parameters',
          parameter: [{ name: 'schedule', resource: drafted() }],
        };
        setOutlook(outlookOf(await operate<Parameters>('Schedule/$preview', asked)));
      } else {
        const kept = isNew ? await create(drafted()) : await update(drafted());
        const done = outlookOf(await operate<Parameters>(`Schedule/${kept.id ?? ''}/$apply`, parametersOf({})));
        message.success(
          t('schedule.saved', {
            make: count(done, 'make'),
            remove: count(done, 'remove'),
            stop: count(done, 'stop'),
          }),
        );
        void navigate(count(done, 'stop') > 0 ? '/schedules/stopped' : '/schedules');
      }
    } catch (error) {
      setFault(error);
    }
    setBusy('');
  }

  return (
    <div className={styles.page}>
      <h1>{isNew ? t('schedule.new') : t('schedule.edit', { name: schedule.actor[0]?.display ?? '' })}</h1>
      <Panel title={t('schedule.rules')}>
        <div className={styles.inside}>
          <div className={styles.fields}>
            {isNew && (
              <WhoField
                value={who}
                onChange={(next) => {
                  setWho(next);
                  if (next.specialty) setSpecialty(next.specialty);
                  changed();
                }}
              />
            )}
            <Field title={t('schedule.department')}>
              {(id) => (
                <Select
                  id={id}
                  style={{ width: 200 }}
                  showSearch={{ optionFilterProp: 'search' }}
                  value={specialty || null}
                  onChange={(code: string) => {
                    setSpecialty(code);
                    changed();
                  }}
                  options={SPECIALTIES.map(({ code, zh, pinyin }) => ({
                    value: code,
                    label: zh,
                    search: `${zh} ${pinyin} ${code}`,
                  }))}
                />
              )}
            </Field>
            <Field title={t('schedule.kind')}>
              {(id) => (
                <Select
                  id={id}
                  style={{ width: 140 }}
                  value={kind}
                  onChange={(next: Kind) => {
                    setKind(next);
                    changed();
                  }}
                  options={KINDS.map((value) => ({ value, label: t(`schedule.kind.${value}`) }))}
                />
              )}
            </Field>
            {!isNew && (
              <Checkbox
                className={styles.flat ?? ''}
                checked={active}
                onChange={(event) => setActive(event.target.checked)}
              >
                {t('schedule.active')}
              </Checkbox>
            )}
          </div>
          <RowsEditor
            rows={rows}
            onChange={(next) => {
              setRows(next);
              changed();
            }}
          />
        </div>
      </Panel>
      <Panel title={t('schedule.exceptions')}>
        <div className={styles.inside}>
          <ExceptionsEditor
            exceptions={exceptions}
            day={today(new Date())}
            onChange={(next) => {
              setExceptions(next);
              changed();
            }}
          />
        </div>
      </Panel>
      {fault !== null && <Failure error={fault} what={t('schedule.what')} title={t('schedule.title')} />}
      <div className={styles.head}>
        <Button disabled={incomplete} loading={busy === 'preview'} onClick={() => void act('preview')}>
          {t('schedule.preview')}
        </Button>
        <Button type="primary" disabled={incomplete} loading={busy === 'save'} onClick={() => void act('save')}>
          {t('schedule.save')}
        </Button>
        {incomplete && <span className={styles.quiet}>{t('schedule.incomplete')}</span>}
      </div>
      {outlook && (
        <Panel title={t('schedule.outlook')}>
          <div className={styles.inside}>
            <OutlookTable outlook={outlook} />
          </div>
        </Panel>
      )}
      {!isNew && <StopPanel schedule={schedule.id ?? ''} />}
    </div>
  );
}

/** The doctors, and the services, of the own institution. */
function WhoField({ value, onChange }: { value: Whom; onChange: (next: Whom) => void }) {
  const { t } = useLocale();
  const person = usePerson();
  const organization = person.institution?.reference ?? '';
  const reading = useReading(
    ['schedule-actors', organization],
    async (signal) => {
      const [roles, services] = await Promise.all([
        search<PractitionerRole>('PractitionerRole', { organization, active: true, _count: MOST }, signal),
        search<HealthcareService>('HealthcareService', { organization, active: true, _count: MOST }, signal),
      ]);
      const code = (one: { specialty?: { coding?: { system?: string; code?: string }[] }[] }): string =>
        one.specialty?.flatMap(({ coding }) => coding ?? []).find(({ system }) => system === SPECIALTY)?.code ?? '';
      return [
        ...roles.matches.map((one) => ({
          reference: `PractitionerRole/${one.id ?? ''}`,
          name: one.practitioner?.display ?? '',
          specialty: code(one as never),
        })),
        ...services.matches.map((one) => ({
          reference: `HealthcareService/${one.id ?? ''}`,
          name: one.name ?? '',
          specialty: code(one as never),
        })),
      ].filter(({ name }) => name);
    },
    { staleTime: 60_000 },
  );
  const options = reading.state === 'here' ? reading.value : [];
  return (
    <Field title={t('schedule.who')}>
      {(id) => (
        <Select
          id={id}
          style={{ width: 260 }}
          showSearch={{ optionFilterProp: 'label' }}
          loading={reading.state === 'loading'}
          placeholder={t('schedule.who.choose')}
          value={value.reference || null}
          onChange={(reference: string) => {
            const found = options.find((one) => one.reference === reference);
            if (found) onChange(found);
          }}
          options={options.map(({ reference, name, specialty }) => {
            const department = SPECIALTIES.find(({ code }) => code === specialty)?.zh;
            const isService = reference.startsWith('HealthcareService/');
            return { value: reference, label: department && !isService ? `${name} · ${department}` : name };
          })}
        />
      )}
    </Field>
  );
}
