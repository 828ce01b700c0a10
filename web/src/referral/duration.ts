import type { Translate } from '../locale/locale';

/** How long something took: "不到 1 分钟", "35 分", "2 小时 10 分", "3 天 4 小时". */
export function durationText(ms: number, t: Translate): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return t('time.span.short');
  const d = Math.floor(minutes / 1440);
  const h = Math.floor((minutes % 1440) / 60);
  const m = minutes % 60;
  if (d > 0) return t('time.span.days', { d, h });
  return h > 0 ? t('time.span.hours', { h, m }) : t('time.span.minutes', { m });
}
