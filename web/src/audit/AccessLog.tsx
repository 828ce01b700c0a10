import { Tag } from 'antd';
import type { AuditEvent } from 'fhir/r4';
import { usePerson } from '../access/person';
import { Name } from '../fhir/Name';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read } from '../page/reading';
import { More } from '../record/More';
import { type Pages, usePages } from '../record/paging';
import styles from './audit.module.css';
import { agentOf, byDay, clockOf, didOf, groundOf, groundText, houseOf, kindsText, timesOf } from './trail';

const PAGE = 40;

/** `/access-log`: who read or wrote the resident's own record, when and why, in plain words. */
export default function AccessLog() {
  const { t } = useLocale();
  const { patient } = usePerson();
  return (
    <section className={styles.log}>
      <h1>{t('trail.mine.title')}</h1>
      <p className="quiet">{t('trail.mine.how')}</p>
      {patient ? <Of id={patient.replace(/^Patient\//, '')} /> : <Nothing title={t('today.resident.none')} />}
    </section>
  );
}

function Of({ id }: { id: string }) {
  const { t } = useLocale();
  const reading = usePages<AuditEvent>(id, 'access-log', `Patient/${id}/$access-log`, { _count: PAGE });
  return (
    <Read of={reading} what={t('trail.what')} rows={8}>
      {(pages) => <Days pages={pages} />}
    </Read>
  );
}

function Days({ pages }: { pages: Pages<AuditEvent> }) {
  const { t } = useLocale();
  if (pages.rows.length === 0) return <Nothing title={t('trail.mine.none')} how={t('trail.mine.none.how')} />;
  return (
    <>
      {byDay(pages.rows).map(({ day, events }) => (
        <section key={day} className={styles.day} aria-label={day}>
          <h2>{day}</h2>
          <ol>
            {events.map((event) => (
              <Line key={event.id} event={event} />
            ))}
          </ol>
        </section>
      ))}
      <More pages={pages} label={t('trail.more')} />
    </>
  );
}

function Line({ event }: { event: AuditEvent }) {
  const { t } = useLocale();
  const { name, roles, system } = agentOf(event);
  const house = houseOf(event);
  const own = groundOf(event) === 'self';
  const emergency = groundOf(event) === 'emergency';
  const what = kindsText(event, t);
  const times = timesOf(event);
  return (
    <li className={styles.line}>
      <time>{clockOf(event)}</time>
      <div>
        <strong>{own ? t('trail.self') : name || t('trail.nobody')}</strong>{' '}
        <span className="quiet">
          {!own && house && <Name of={house} otherwise="" />}
          {!own && roles.length > 0 && ` · ${roles.map((role) => t(`post.${role}` as Key)).join(t('list.separator'))}`}
          {!own && system && !house && t('trail.system')}
        </span>
        <p>
          {t(`trail.did.${didOf(event)}` as Key)}
          {what && ` ${what}`}
          {times > 1 && <span className="quiet"> {t('trail.times', { n: times })}</span>}
        </p>
        {!own && groundOf(event) && (
          <p className="quiet">
            {emergency ? (
              <Tag color="red">{t('trail.ground.emergency')}</Tag>
            ) : (
              t('trail.why', { why: groundText(event, t) })
            )}
          </p>
        )}
      </div>
    </li>
  );
}
