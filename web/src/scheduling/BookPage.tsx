import { LeftOutlined } from '@ant-design/icons';
import { Button, Segmented } from 'antd';
import { Link, useSearchParams } from 'react-router';
import { today } from '../fhir/dates';
import { Name } from '../fhir/Name';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read, useReading } from '../page/reading';
import { called } from '../referral/codes/search';
import { SPECIALTIES } from '../referral/codes/specialties';
import styles from './booking.module.css';
import { calendar, institutions, type Line } from './bookings';
import { ChooseTime } from './ChooseTime';
import { plus } from './days';
import { useWhose, WardChooser, Whom } from './Whose';

/** How many days the pages look ahead. */
export const AHEAD = 14;

/**
 * `/book`: hospital, department, doctor and time, one after the other; each choice is in the address, so that the way back is the browser's.
 * For oneself, or for the patient in the address (`?patient=`): a ward, or at a desk anybody. With `?move=` another time for an appointment there is.
 */
export default function BookPage() {
  const { t } = useLocale();
  const [asked, setAsked] = useSearchParams();
  const { patient, atDesk } = useWhose();
  const organization = asked.get('organization') ?? '';
  const specialty = asked.get('specialty');
  const moving = asked.get('move') ?? '';
  const choose = (values: Record<string, string | null>) => {
    const next = new URLSearchParams(asked);
    for (const [name, value] of Object.entries(values)) {
      if (value === null) next.delete(name);
      else next.set(name, value);
    }
    setAsked(next);
  };

  if (!patient && !moving)
    return (
      <Nothing title={t('booking.choose.patient')}>
        <Link to="/desk">{t('booking.choose.desk')}</Link>
      </Nothing>
    );
  return (
    <div className={styles.page}>
      <h1>{t('booking.title')}</h1>
      {atDesk && (
        <p className={styles.whom}>
          <Whom patient={patient} words="booking.for" />
          <Segmented
            aria-label={t('booking.channel')}
            value={asked.get('channel') ?? 'on-site'}
            onChange={(channel) => choose({ channel })}
            options={(['on-site', 'phone'] as const).map((one) => ({ value: one, label: t(`booking.channel.${one}`) }))}
          />
        </p>
      )}
      {!moving && <WardChooser onChoose={(chosen) => choose({ patient: chosen || null })} />}
      {moving && <p className={styles.notice}>{t('booking.moving')}</p>}
      {organization === '' ? (
        <Institutions onChoose={(reference) => choose({ organization: reference.replace('Organization/', '') })} />
      ) : (
        <Departments
          organization={`Organization/${organization}`}
          patient={patient}
          specialty={specialty}
          moving={moving}
          channel={atDesk ? (asked.get('channel') ?? 'on-site') : 'web'}
          onSpecialty={(code) => choose({ specialty: code })}
          onBack={moving ? undefined : () => choose({ organization: null, specialty: null })}
        />
      )}
    </div>
  );
}

function Institutions({ onChoose }: { onChoose: (reference: string) => void }) {
  const { t } = useLocale();
  const reading = useReading(['booking', 'institutions'], institutions, { staleTime: 60_000 });
  return (
    <section aria-labelledby="booking-where">
      <h2 id="booking-where">{t('booking.where')}</h2>
      <Read of={reading} what={t('booking.where')} rows={6}>
        {(found) =>
          found.length === 0 ? (
            <Nothing title={t('booking.where.none')} />
          ) : (
            <ul className={styles.choices}>
              {found.map((one) => (
                <li key={one.reference}>
                  <button type="button" className={styles.choice} onClick={() => onChoose(one.reference)}>
                    <strong>{one.name}</strong>
                    <span className="quiet">{t('booking.where.count', { n: one.schedules })}</span>
                  </button>
                </li>
              ))}
            </ul>
          )
        }
      </Read>
    </section>
  );
}

interface DepartmentsProps {
  organization: string;
  patient: string;
  specialty: string | null;
  moving: string;
  channel: string;
  onSpecialty: (code: string | null) => void;
  onBack: (() => void) | undefined;
}

function Departments({ organization, patient, specialty, moving, channel, onSpecialty, onBack }: DepartmentsProps) {
  const { t, lang } = useLocale();
  const start = today(new Date());
  const reading = useReading(
    ['booking', 'calendar', organization, patient, start],
    (signal) =>
      calendar(
        { organization, start, end: plus(start, AHEAD - 1), ...(patient && !moving ? { patient } : {}) },
        signal,
      ),
    { refetchInterval: 30_000 },
  );
  const back = (words: Key, act: () => void) => (
    <Button type="link" className={styles.back ?? ''} icon={<LeftOutlined aria-hidden />} onClick={act}>
      {t(words)}
    </Button>
  );
  return (
    <Read of={reading} what={t('booking.what')} rows={8}>
      {(lines) =>
        specialty === null ? (
          <section aria-labelledby="booking-department">
            <p className={styles.chosen}>
              <Name of={{ reference: organization }} />
              {onBack && back('booking.back.where', onBack)}
            </p>
            <h2 id="booking-department">{t('booking.department')}</h2>
            {lines.length === 0 ? (
              <Nothing title={t('booking.department.none')} />
            ) : (
              <ul className={styles.choices}>
                {departments(lines).map(([code, free]) => (
                  <li key={code}>
                    <button type="button" className={styles.choice} onClick={() => onSpecialty(code)}>
                      <strong>{called(SPECIALTIES, code, lang) || t('booking.kind.examination')}</strong>
                      <span className={free ? styles.free : 'quiet'}>
                        {free ? t('booking.free', { n: free }) : t('booking.full')}
                      </span>
                    </button>
                  </li>
                ))}
              </ul>
            )}
          </section>
        ) : (
          <section aria-labelledby="booking-doctor">
            <p className={styles.chosen}>
              <Name of={{ reference: organization }} /> · {called(SPECIALTIES, specialty, lang)}
              {back('booking.back.department', () => onSpecialty(null))}
            </p>
            <h2 id="booking-doctor">{t('booking.doctor')}</h2>
            <ChooseTime
              lines={lines.filter((line) => line.specialty === specialty)}
              organization={organization}
              patient={patient}
              moving={moving}
              channel={channel}
              start={start}
            />
          </section>
        )
      }
    </Read>
  );
}

/** Specialties with how many places are free, those with most first. */
function departments(lines: readonly Line[]): [string, number][] {
  const free = new Map<string, number>();
  for (const line of lines)
    free.set(line.specialty, (free.get(line.specialty) ?? 0) + line.days.reduce((sum, one) => sum + one.free, 0));
  return [...free].sort(([a, x], [b, y]) => y - x || a.localeCompare(b));
}
