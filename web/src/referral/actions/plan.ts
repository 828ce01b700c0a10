import type { CarePlan, Reference } from 'fhir/r4';

/** The follow-up plan of a patient who came home: goals, visits by day, measures. Pure. */
export interface PlanVisit {
  /** `2026-12-05`, empty while not chosen. */
  day: string;
  text: string;
}

export interface PlanForm {
  /** False leaves the plan out where it is optional. */
  wanted: boolean;
  title: string;
  goals: string;
  visits: PlanVisit[];
  measures: string;
}

export const EMPTY_PLAN: PlanForm = { wanted: false, title: '', goals: '', visits: [], measures: '' };

const DAY_MS = 86_400_000;

/** `2026-11-22` and so many days more. */
export function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** Within two weeks of coming home the first visit is due (国家基本公共卫生服务规范第三版), then after one and three months. */
export function usualVisits(today: string, words: { first: string; later: string }): PlanVisit[] {
  return [
    { day: dayAfter(today, 7), text: words.first },
    { day: dayAfter(today, 14), text: words.later },
    { day: dayAfter(today, 30), text: words.later },
    { day: dayAfter(today, 90), text: words.later },
  ];
}

export const FIRST_WITHIN_DAYS = 14;

export type PlanFault = 'title' | 'visits' | 'visit-day';

export function planFaults(plan: PlanForm): PlanFault[] {
  const faults: PlanFault[] = [];
  if (!plan.title.trim()) faults.push('title');
  if (plan.visits.length === 0) faults.push('visits');
  if (plan.visits.some((visit) => visit.day === '')) faults.push('visit-day');
  return faults;
}

/** No visit within two weeks: allowed, and said. */
export const isLate = (plan: PlanForm, today: string): boolean =>
  plan.visits.length > 0 &&
  !plan.visits.some((visit) => visit.day !== '' && visit.day <= dayAfter(today, FIRST_WITHIN_DAYS));

const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

/** As a CarePlan; the server adds author, time and the referral it follows. Goals are contained, so that one plan is one thing. */
export function carePlanOf(plan: PlanForm, patient: Reference, today: string): CarePlan {
  const goals = lines(plan.goals);
  const visits = [...plan.visits].filter((visit) => visit.day).sort((a, b) => a.day.localeCompare(b.day));
  const last = visits.at(-1)?.day;
  return {
    resourceType: 'CarePlan',
    status: 'active',
    intent: 'plan',
    title: plan.title.trim(),
    subject: patient,
    ...(goals.length > 0
      ? {
          contained: goals.map((text, place) => ({
            resourceType: 'Goal' as const,
            id: `goal-${place + 1}`,
            lifecycleStatus: 'active' as const,
            description: { text },
            subject: patient,
          })),
          goal: goals.map((_, place) => ({ reference: `#goal-${place + 1}` })),
          description: goals.join('；'),
        }
      : {}),
    period: { start: today, ...(last ? { end: last } : {}) },
    activity: [
      ...visits.map((visit) => ({
        detail: {
          kind: 'Appointment' as const,
          status: 'scheduled' as const,
          description: visit.text.trim() || '随访',
          scheduledPeriod: { start: visit.day, end: visit.day },
        },
      })),
      ...lines(plan.measures).map((text) => ({ detail: { status: 'scheduled' as const, description: text } })),
    ],
  };
}
