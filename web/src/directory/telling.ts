import type { HealthcareServiceAvailableTime, Parameters, ParametersParameter } from 'fhir/r4';
import type { Key, Translate } from '../locale/locale';
import type { Hours } from './places';

/** Opening hours and waits, as one says them. */

const WEEK = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** "周一至周六 08:00–17:30", several with a separator. */
export function hoursText(times: readonly (HealthcareServiceAvailableTime | Hours)[], t: Translate): string {
  return times
    .map((time) => {
      const days = 'days' in time ? time.days : (time.daysOfWeek ?? []);
      const from = 'from' in time ? time.from : (time.availableStartTime ?? '').slice(0, 5);
      const to = 'to' in time ? time.to : (time.availableEndTime ?? '').slice(0, 5);
      return [daysText(days, t), time.allDay ? t('hours.all-day') : from && `${from}–${to}`].filter(Boolean).join(' ');
    })
    .filter(Boolean)
    .join(t('list.separator'));
}

export function daysText(days: readonly string[], t: Translate): string {
  const open = WEEK.filter((day) => days.includes(day));
  if (open.length === 0 || open.length === WEEK.length) return open.length ? t('hours.every-day') : '';
  const first = open[0] ?? '';
  const last = open[open.length - 1] ?? '';
  const name = (day: string) => t(`hours.${day}` as Key);
  if (open.length > 2 && WEEK.indexOf(last) - WEEK.indexOf(first) === open.length - 1) {
    return t('hours.span', { first: name(first), last: name(last) });
  }
  return open.map(name).join(t('list.separator'));
}

export interface Wait {
  readonly measure: string;
  readonly specialty: string;
  readonly day: string;
  readonly cases: number;
  /** Hours. */
  readonly median: number;
  readonly most: number;
}

export function waitsOf(parameters: Parameters): Wait[] {
  return (parameters.parameter ?? [])
    .filter((one) => one.name === 'wait')
    .map(({ part = [] }) => {
      const find = (name: string): ParametersParameter | undefined => part.find((one) => one.name === name);
      return {
        measure: find('measure')?.valueCode ?? '',
        specialty: find('specialty')?.valueCode ?? '',
        day: find('day')?.valueDate ?? '',
        cases: find('cases')?.valuePositiveInt ?? 0,
        median: find('median-hours')?.valueDecimal ?? 0,
        most: find('most-hours')?.valueDecimal ?? 0,
      };
    });
}
