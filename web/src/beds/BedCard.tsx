import { MoreOutlined } from '@ant-design/icons';
import { Button, Dropdown, Tag } from 'antd';
import { Link } from 'react-router';
import { dateTime, day, today } from '../fhir/dates';
import { Name } from '../fhir/Name';
import { ageOn, ageText } from '../fhir/patient';
import { type Key, useLocale } from '../locale/locale';
import { BedState } from './BedState';
import { type Bed, dayOfStay, type Somebody, type State } from './beds';
import styles from './beds.module.css';

export type Act = 'admit' | 'hold' | 'release' | 'transfer' | 'expect' | 'discharge';

/** What somebody is about to do; without a bed: in any of the ward. */
export interface Doing {
  what: Act;
  bed: Bed | null;
}

const ACTS: Record<State, readonly Act[]> = {
  free: ['admit', 'hold'],
  held: ['admit', 'release'],
  occupied: ['transfer', 'expect', 'discharge'],
  cleaning: ['admit', 'hold'],
  stopped: [],
};

/** One bed. `onDo` is missing where the asker may only look. */
export function BedCard({ bed, onDo }: { bed: Bed; onDo: ((what: Act) => void) | undefined }) {
  const { t } = useLocale();
  const acts = bed.state === 'held' && !bed.hold?.patient ? [] : ACTS[bed.state];
  const number = t('bed.number', { n: bed.number });
  return (
    <article
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys go from card to card.
      tabIndex={0}
      data-bed={bed.id}
      aria-label={number}
      className={`${styles.card ?? ''} ${styles[`is-${bed.state}`] ?? ''}`}
    >
      <header>
        <h3>{number}</h3>
        <BedState of={bed.state} />
        {onDo && acts.length > 0 && (
          <Dropdown
            trigger={['click']}
            menu={{
              items: acts.map((act) => ({
                key: act,
                label: t(`bed.${act}` as Key),
                danger: act === 'release',
              })),
              onClick: ({ key }) => onDo(key as Act),
            }}
          >
            <Button
              type="text"
              size="small"
              className={styles.menu ?? ''}
              aria-label={t('bed.actions', { bed: number })}
              icon={<MoreOutlined aria-hidden />}
            />
          </Dropdown>
        )}
      </header>
      <Inside bed={bed} />
      <Marks bed={bed} />
    </article>
  );
}

function Inside({ bed }: { bed: Bed }) {
  const { t } = useLocale();
  if (bed.state === 'occupied')
    return bed.patient ? <Occupied bed={bed} who={bed.patient} /> : <p className="quiet">{t('bed.unseen')}</p>;
  if (bed.state === 'held' && bed.hold) {
    const { patient, until, kept, by, institution } = bed.hold;
    return (
      <>
        <p className={styles.who}>
          {patient ? t('bed.hold.for', { name: patient.name }) : t('bed.hold.unseen')}
          {kept && <Tag>{t('bed.hold.kept')}</Tag>}
        </p>
        <p>{t('bed.hold.until', { time: dateTime(until) })}</p>
        {by && <p className="quiet">{institution ? t('bed.hold.by', { name: by, institution }) : by}</p>}
      </>
    );
  }
  if (bed.state === 'cleaning' && bed.cleanAt)
    return <p className="quiet">{t('bed.clean', { time: dateTime(bed.cleanAt).slice(11) })}</p>;
  if (bed.state === 'stopped' && bed.why) return <p className="quiet">{t('bed.why', { why: bed.why })}</p>;
  return null;
}

function Occupied({ bed, who }: { bed: Bed; who: Somebody }) {
  const { t } = useLocale();
  const now = today(new Date());
  const sex = who.gender ? t(`sex.${who.gender}` as Key) : '';
  return (
    <>
      <p className={styles.who}>
        <Link to={`/patients/${who.id}`} title={t('bed.record')}>
          {who.name}
        </Link>{' '}
        <span>
          {sex} {ageText(ageOn(who.birthDate, now), t)}
        </span>
      </p>
      {bed.diagnosis && (
        <p className={styles.diagnosis} title={bed.diagnosis}>
          {bed.diagnosis}
        </p>
      )}
      <p className="quiet">
        {bed.since && (
          <span title={t('bed.since', { time: dateTime(bed.since) })}>
            {t('bed.day', { n: dayOfStay(day(bed.since), now) })}
          </span>
        )}
        {bed.doctor && (
          <>
            {' · '}
            <Name of={bed.doctor} />
          </>
        )}
      </p>
      {bed.expected && <Expected on={day(bed.expected)} now={now} />}
    </>
  );
}

function Expected({ on, now }: { on: string; now: string }) {
  const { t } = useLocale();
  if (on > now) return <p>{t('bed.expected', { day: on.slice(5) })}</p>;
  return (
    <p className={styles.due}>{on === now ? t('bed.expected.today') : t('bed.expected.over', { day: on.slice(5) })}</p>
  );
}

function Marks({ bed }: { bed: Bed }) {
  const { t } = useLocale();
  const sex = bed.sex === 'male' || bed.sex === 'female' ? bed.sex : null;
  if (!sex && bed.kind === 'general') return null;
  return (
    <footer>
      {sex && <Tag>{t(`bed.sex.${sex}`)}</Tag>}
      {bed.kind !== 'general' && <Tag>{t(`bed.kind.${bed.kind}`)}</Tag>}
    </footer>
  );
}
