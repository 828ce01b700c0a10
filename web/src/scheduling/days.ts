import { REGION_ZONE } from '../fhir/dates';

/** Days of the calendar, as `2026-11-22`, counted without clocks. */
export function plus(day: string, days: number): string {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

/** 0 Sunday to 6 Saturday. */
export const weekday = (day: string): number => new Date(`${day}T00:00:00Z`).getUTCDay();

/** The Monday of its week. */
export const monday = (day: string): string => plus(day, -((weekday(day) + 6) % 7));

const CLOCK = new Intl.DateTimeFormat('en-GB', {
  timeZone: REGION_ZONE,
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});

/** The time of day of an instant in the region, `09:30`. */
export const clock = (instant: string): string => (instant ? CLOCK.format(new Date(instant)) : '');

/** Seconds until then, at least 0. */
export const secondsUntil = (instant: string, now: number): number =>
  Math.max(0, Math.ceil((new Date(instant).getTime() - now) / 1000));

/** `14:59`. */
export const minutesAndSeconds = (seconds: number): string =>
  `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
