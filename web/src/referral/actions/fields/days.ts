import { instant } from '../../../fhir/dates';
import type { Translate } from '../../../locale/locale';
import { dayAfter } from '../plan';

/** Days to choose from, said as people say them: 今天 11-22 周日. */
export function dayOptions(today: string, count: number, t: Translate): { value: string; label: string }[] {
  return Array.from({ length: count }, (_, place) => {
    const day = dayAfter(today, place);
    return { value: day, label: dayLabel(day, today, t) };
  });
}

export function dayLabel(day: string, today: string, t: Translate): string {
  const away = Math.round((instant(day) - instant(today)) / 86_400_000);
  const near = away === 0 ? t('day.today') : away === 1 ? t('day.tomorrow') : away === 2 ? t('day.after-tomorrow') : '';
  const date = day.slice(0, 4) === today.slice(0, 4) ? day.slice(5) : day;
  const weekday = t(`day.week.${new Date(`${day}T00:00:00Z`).getUTCDay()}` as 'day.week.0');
  return [near, date, weekday].filter(Boolean).join(' ');
}

const FROM_HOUR = 7;
const TO_HOUR = 21;
const STEP_MINUTES = 15;

/** Times of a clinic's day, a quarter of an hour apart. */
export function timeOptions(): string[] {
  const times: string[] = [];
  for (let minutes = FROM_HOUR * 60; minutes <= TO_HOUR * 60; minutes += STEP_MINUTES)
    times.push(`${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`);
  return times;
}

/** A day (`2026-12-05`) and a time (`09:30`) of the region; each empty while not chosen. */
export interface Start {
  day: string;
  time: string;
}

/** As FHIR dateTime (the region has one offset, +08:00); empty while only half of it is chosen. */
export const startOf = ({ day, time }: Start): string => (day && time ? `${day}T${time}:00+08:00` : '');

/** 9:5, 0930, 14：20 → 09:05, 09:30, 14:20; empty for what is no time. */
export function timeTyped(text: string): string {
  const packed = text.normalize('NFKC').replace(/[^\d:]/g, '');
  const found = /^(\d{1,2}):(\d{1,2})$/.exec(packed) ?? /^(\d{1,2})(\d{2})$/.exec(packed);
  const hour = Number(found?.[1]);
  const minute = Number(found?.[2]);
  if (!found || hour > 23 || minute > 59) return '';
  return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}
