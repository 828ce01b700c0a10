import { Alert } from 'antd';
import { dateTime, today } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { chosenOf, circumstanceOf, firstVisitOf, greenOf, inPlaceOf } from '../marks';
import { isClosed } from '../state';
import type { Thread } from './thread';
import styles from './thread.module.css';

/** What both sides have to know beside the state: a death or an admission elsewhere, the green channel, who was informed, the first visit. */
export function Marks({ thread }: { thread: Thread }) {
  const { t } = useLocale();
  const { task, request } = thread;
  const open = !isClosed(task);
  const circumstance = circumstanceOf(task);
  const green = greenOf(request);
  const visit = firstVisitOf(task);
  const chosen = chosenOf(task);
  const late = visit !== null && visit.due < today(new Date());
  return (
    <>
      {circumstance && open && (
        <Alert
          className={styles.mark ?? ''}
          type="error"
          showIcon
          title={t(`mark.${circumstance.kind}`)}
          description={t('mark.known', { date: dateTime(circumstance.time) })}
        />
      )}
      <dl className={styles.marks}>
        {green && (
          <>
            <dt>{t(`mark.green.${green.state}`)}</dt>
            <dd>
              {green.reason}{' '}
              <span className="quiet">
                {green.by} {dateTime(green.time)}
              </span>
            </dd>
          </>
        )}
        {inPlaceOf(task).map((one) => (
          <div key={one.time + one.informed + one.expert} className={styles.pairs}>
            <dt>{t('mark.inPlace')}</dt>
            <dd>
              {[
                one.informed && t('mark.informed', { who: one.informed }),
                one.expert && t('mark.expert', { who: one.expert }),
              ]
                .filter(Boolean)
                .join('；')}{' '}
              <span className="quiet">
                {one.by} {dateTime(one.time)}
              </span>
            </dd>
          </div>
        ))}
        {visit && (
          <>
            <dt>{t('mark.firstVisit')}</dt>
            <dd className={late && open ? (styles.lateMark ?? '') : ''}>
              {t('mark.firstVisit.due', { date: visit.due })}{' '}
              <span className="quiet">{t('mark.firstVisit.from', { date: visit.discharged })}</span>
            </dd>
          </>
        )}
        {chosen && chosen.reasons.length > 0 && (
          <>
            <dt>{t(chosen.automatic ? 'mark.chosen.automatic' : 'mark.chosen')}</dt>
            <dd>{chosen.reasons.join('；')}</dd>
          </>
        )}
      </dl>
    </>
  );
}
