import type { Translate } from '../locale/locale';

/**
 * Dates as people here read them: `2026-11-22 09:30`, always in the region's zone, whatever the zone of the browser.
 * A FHIR date of lower precision stays what it is (`2026-11`, `2026`).
 */

export const REGION_ZONE = 'Asia/Shanghai';

const inRegion = new Intl.DateTimeFormat('en-CA', {
  timeZone: REGION_ZONE,
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});

/** [year, month, day, hour, minute] in the region's zone, padded. */
function parts(at: Date): Record<'year' | 'month' | 'day' | 'hour' | 'minute', string> {
  const found = { year: '', month: '', day: '', hour: '', minute: '' };
  for (const { type, value } of inRegion.formatToParts(at))
    if (type in found) found[type as keyof typeof found] = value;
  return found;
}

const hasTime = (text: string): boolean => text.includes('T');

/** `2026-11-22 09:30`, `2026-11-22`, `2026-11` or `2026`, as precise as the value; empty for none. */
export function dateTime(text: string | undefined): string {
  if (!text) return '';
  if (!hasTime(text)) return text;
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return '';
  const { year, month, day, hour, minute } = parts(at);
  return `${year}-${month}-${day} ${hour}:${minute}`;
}

/** The day of it: `2026-11-22`; lower precision stays. */
export function day(text: string | undefined): string {
  return dateTime(text).slice(0, 10);
}

/** The month of it, `2026-11`. */
export function month(text: string | undefined): string {
  return dateTime(text).slice(0, 7);
}

/** Milliseconds since 1970, for sorting and charts; a date counts from its first moment in the region's zone. */
export function instant(text: string | undefined): number {
  if (!text) return Number.NaN;
  if (hasTime(text)) return new Date(text).getTime();
  const [year = '1970', monthOf = '01', dayOf = '01'] = text.split('-');
  // The region's zone has one offset (+08:00) since 1991; the hour does not matter for a mere date.
  return new Date(`${year}-${monthOf}-${dayOf}T00:00:00+08:00`).getTime();
}

/** The region's wall clock as if it were UTC, for charts, which draw their time axis in UTC. */
export function wallClock(text: string | undefined): number {
  const at = instant(text);
  if (Number.isNaN(at)) return at;
  const { year, month, day: dayOf, hour, minute } = parts(new Date(at));
  return Date.UTC(Number(year), Number(month) - 1, Number(dayOf), Number(hour), Number(minute));
}

/** "3 小时前", "2 天后": a companion beside the date, never instead of it. Empty beyond sixty days. */
export function ago(text: string | undefined, now: Date, t: Translate): string {
  const at = instant(text);
  if (Number.isNaN(at)) return '';
  const minutes = Math.round((now.getTime() - at) / 60_000);
  const distance = Math.abs(minutes);
  const side = minutes >= 0 ? 'ago' : 'in';
  if (distance < 1) return t('time.now');
  if (distance < 60) return t(`time.${side}.minutes`, { n: distance });
  if (distance < 24 * 60) return t(`time.${side}.hours`, { n: Math.floor(distance / 60) });
  if (distance < 60 * 24 * 60) return t(`time.${side}.days`, { n: Math.floor(distance / (24 * 60)) });
  return '';
}

/** A duration against a deadline: "还剩 2 小时 10 分" or "超时 35 分". */
export function untilDeadline(
  due: string | undefined,
  now: Date,
  t: Translate,
): { text: string; overdue: boolean } | null {
  const at = instant(due);
  if (Number.isNaN(at)) return null;
  const minutes = Math.round((at - now.getTime()) / 60_000);
  const overdue = minutes < 0;
  return { overdue, text: t(overdue ? 'time.overdue' : 'time.left', { span: span(Math.abs(minutes), t) }) };
}

function span(minutes: number, t: Translate): string {
  const days = Math.floor(minutes / 1440);
  const hours = Math.floor((minutes % 1440) / 60);
  const rest = minutes % 60;
  if (days > 0) return t('time.span.days', { d: days, h: hours });
  return hours > 0 ? t('time.span.hours', { h: hours, m: rest }) : t('time.span.minutes', { m: rest });
}

/** Today in the region, `2026-11-22`. */
export function today(now: Date): string {
  return day(now.toISOString());
}
