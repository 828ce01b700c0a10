import { conceptText } from '../../fhir/concept';
import { dateTime, instant } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { Panel } from '../../page/Panel';
import type { Alarm } from '../actions/legal';
import { DECLINE_REASONS, LEAVE_REASONS } from '../codes/reasons';
import { called } from '../codes/search';
import { durationText } from '../duration';
import { isWord, stepKey } from '../known';
import { isClosed } from '../state';
import { DECLINE_REASON, LEAVE_REASON } from '../systems';
import { Clock } from '../Tags';
import { type RoadStep, roadOf } from '../task';
import { useNow } from '../useNow';
import { owed } from './owed';
import type { Thread } from './thread';
import styles from './thread.module.css';

/** 办理过程: the road so far with names, times and how long each step took; at its end what is waited for. */
export function Road({ thread, alarms = [] }: { thread: Thread; alarms?: readonly Alarm[] }) {
  const { t } = useLocale();
  const now = useNow();
  const steps = roadOf(thread.steps, thread.task);
  const last = steps.at(-1);
  const first = steps[0];
  const open = !isClosed(thread.task);
  const { key, values } = owed(thread);
  const whole = first && last ? (open ? now.getTime() : instant(last.time)) - instant(first.time) : 0;
  return (
    <Panel
      title={t('thread.road')}
      aside={<span className="quiet">{t('thread.road.whole', { span: durationText(whole, t) })}</span>}
    >
      <ol className={styles.road}>
        {withAlarms(steps, alarms).map((one) =>
          'stage' in one ? <Told key={one.stage + one.time} alarm={one} /> : <Step key={one.key} step={one} />,
        )}
        {open && last && (
          <li className={styles.waiting}>
            <div>
              <strong>{t(key, values)}</strong>
            </div>
            <div className="quiet">
              {t('thread.road.waited', { span: durationText(now.getTime() - instant(last.time), t) })}{' '}
              <Clock task={thread.task} />
            </div>
          </li>
        )}
      </ol>
    </Panel>
  );
}

/** Steps and what was told in between, in the order of time. */
function withAlarms(steps: readonly RoadStep[], alarms: readonly Alarm[]): (RoadStep | Alarm)[] {
  return [...steps, ...alarms].sort((a, b) => instant(a.time) - instant(b.time));
}

/** Warned, overdue, escalated: to whom and when. */
function Told({ alarm }: { alarm: Alarm }) {
  const { t } = useLocale();
  const key = `thread.alarm.${alarm.stage}`;
  return (
    <li className={styles.alarm}>
      <div>
        <strong>{t(isWord(key) ? key : 'thread.alarm.overdue')}</strong> <span>{alarm.to.join('、')}</span>
      </div>
      <div className="quiet">
        <time dateTime={alarm.time}>{dateTime(alarm.time)}</time>
      </div>
    </li>
  );
}

function Step({ step }: { step: RoadStep }) {
  const { t, lang } = useLocale();
  const coded = (system: string) => step.reason?.coding?.find((coding) => coding.system === system)?.code;
  const reason =
    called(DECLINE_REASONS, coded(DECLINE_REASON), lang) ||
    called(LEAVE_REASONS, coded(LEAVE_REASON), lang) ||
    conceptText(step.reason);
  return (
    <li>
      <div>
        <strong>{t(stepKey(step.action))}</strong>{' '}
        <span>
          {step.who} <span className="quiet">{step.where}</span>
        </span>
      </div>
      {reason && <div className={styles.because}>{reason}</div>}
      <div className="quiet">
        <time dateTime={step.time}>{dateTime(step.time)}</time>
        {step.since !== null && <span> · {t('thread.road.after', { span: durationText(step.since, t) })}</span>}
      </div>
    </li>
  );
}
