import { ArrowDownOutlined, ArrowUpOutlined, MessageOutlined, SwapRightOutlined } from '@ant-design/icons';
import type { ServiceRequest, Task } from 'fhir/r4';
import type { ReactNode } from 'react';
import { dateTime, instant, untilDeadline } from '../fhir/dates';
import { useLocale } from '../locale/locale';
import type { Direction } from './codes/reasons';
import { greenOf } from './marks';
import type { Urgency } from './request';
import { CLOSED, stateCode, stateKey, toneOf } from './state';
import styles from './tags.module.css';
import { dueOf } from './task';
import { useNow } from './useNow';

/** The small marks of a referral, the same in lists, on the page and in the record: never colour alone, always the word. */

const ARROWS: Readonly<Record<Direction, ReactNode>> = {
  up: <ArrowUpOutlined aria-hidden />,
  down: <ArrowDownOutlined aria-hidden />,
  lateral: <SwapRightOutlined aria-hidden />,
};

export function DirectionTag({ direction }: { direction: Direction | undefined }) {
  const { t } = useLocale();
  if (!direction) return null;
  return (
    <span className={styles.direction}>
      {ARROWS[direction]} {t(`referral.direction.${direction}`)}
    </span>
  );
}

export function UrgencyTag({ urgency }: { urgency: Urgency }) {
  const { t } = useLocale();
  return <span className={`${styles.tag} ${styles[urgency]}`}>{t(`referral.urgency.${urgency}`)}</span>;
}

/** 绿色通道, open or only asked for; nothing where there is none. */
export function GreenTag({ request }: { request: ServiceRequest | undefined }) {
  const { t } = useLocale();
  const green = greenOf(request);
  if (!green) return null;
  return (
    <span className={`${styles.tag} ${green.state === 'open' ? styles.green : styles.greenAsked}`} title={green.reason}>
      {t(`referral.green.${green.state}`)}
    </span>
  );
}

/** 沟通 that was not read, in the row of its referral. */
export function UnreadTag({ count = 0 }: { count?: number | undefined }) {
  const { t } = useLocale();
  if (count === 0) return null;
  return (
    <span className={`${styles.tag} ${styles.unread}`}>
      <MessageOutlined aria-hidden /> {t('talk.unread.row', { n: count })}
    </span>
  );
}

export function StateTag({ task }: { task: Task }) {
  const { t } = useLocale();
  const code = stateCode(task);
  return <span className={`${styles.tag} ${styles[toneOf(code)]}`}>{t(stateKey(code))}</span>;
}

/** 还剩 2 小时 10 分 / 超时 35 分, running. Nothing where no clock runs. */
export function Clock({ task }: { task: Task }) {
  const { t } = useLocale();
  const now = useNow();
  const due = dueOf(task);
  if (!due || CLOSED.includes(stateCode(task))) return null;
  const left = untilDeadline(due, now, t);
  if (!left) return null;
  const soon = !left.overdue && instant(due) - now.getTime() < SOON_MS;
  return (
    <span
      className={left.overdue ? styles.late : soon ? styles.soon : styles.left}
      title={`${t('referral.due')} ${dateTime(due)}`}
    >
      {left.text}
    </span>
  );
}

const SOON_MS = 2 * 3_600_000;
