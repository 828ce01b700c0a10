import type { Parameters, ParametersParameter, ServiceRequest, Task } from 'fhir/r4';

/** A visit as it is written on the page, and what is sent of it. Pure. */

export const MEASURES = [
  'systolic',
  'diastolic',
  'heartRate',
  'fastingGlucose',
  'glucose',
  'temperature',
  'weight',
] as const;
export type Measure = (typeof MEASURES)[number];
export const UNITS: Record<Measure, string> = {
  systolic: 'mmHg',
  diastolic: 'mmHg',
  heartRate: '次/分',
  fastingGlucose: 'mmol/L',
  glucose: 'mmol/L',
  temperature: '℃',
  weight: 'kg',
};
export const SYMPTOMS = [
  'none', 'headache', 'vomiting', 'vision', 'dyspnoea', 'chest', 'nosebleed', 'numbness', 'oedema', 'thirst', 'polyuria',
  'infection', 'weight-loss', 'other',
] as const; // biome-ignore format: one list
export const WAYS = ['clinic', 'home', 'phone'] as const;
export const ADHERENCE = ['regular', 'intermittent', 'not-taken', 'declined'] as const;
export const ASSESSMENTS = ['controlled', 'uncontrolled', 'adverse', 'complication'] as const;
export const OUTCOMES = ['continue', 'paused', 'died', 'moved', 'lost', 'refused'] as const;

export interface VisitForm {
  on: string;
  way: (typeof WAYS)[number];
  measures: Partial<Record<Measure, string>>;
  symptoms: string[];
  adherence: string;
  assessment: string;
  outcome: (typeof OUTCOMES)[number];
  adverse: string;
  medication: string;
  note: string;
  next: string;
}

export const emptyVisit = (today: string): VisitForm => ({
  on: today,
  way: 'clinic',
  measures: {},
  symptoms: [],
  adherence: '',
  assessment: '',
  outcome: 'continue',
  adverse: '',
  medication: '',
  note: '',
  next: '',
});

/** Symptoms after one was ticked: "none" stands alone. */
export function withoutContradiction(before: readonly string[], now: readonly string[]): string[] {
  if (!now.includes('none')) return [...now];
  return before.includes('none') ? now.filter((one) => one !== 'none' || now.length === 1) : ['none'];
}

/** The parameters of `$follow-up`: what was left empty is left out. */
export function visitParameters(form: VisitForm): Parameters {
  const parameter: ParametersParameter[] = [];
  const say = (name: string, value: string | undefined) => {
    if (value?.trim()) parameter.push({ name, valueString: value.trim() });
  };
  say('on', form.on);
  say('way', form.way);
  for (const name of MEASURES) say(name, form.measures[name]);
  for (const symptom of form.symptoms) say('symptom', symptom);
  for (const name of ['adherence', 'assessment', 'outcome', 'adverse', 'medication', 'note', 'next'] as const)
    say(name, form[name]);
  return { resourceType: 'Parameters', parameter };
}

export interface Answered {
  task: Task | undefined;
  alarms: string[];
  proposal: ServiceRequest | undefined;
}

export function answerOf(parameters: Parameters): Answered {
  const parts = parameters.parameter ?? [];
  return {
    task: parts.find(({ name }) => name === 'task')?.resource as Task | undefined,
    alarms: parts.filter(({ name }) => name === 'alarm').map((part) => part.valueString ?? ''),
    proposal: parts.find(({ name }) => name === 'proposal')?.resource as ServiceRequest | undefined,
  };
}

/** Which field of the form an issue is about: "Parameters.parameter.where(name='systolic')" → systolic. */
export const fieldOf = (expression: string): string => /name='(\w+)'/.exec(expression)?.[1] ?? expression;

/** The day a visit is due. */
export const dueOn = (task: Task): string => (task.restriction?.period?.end ?? '').slice(0, 10);

/** Days until it is due, below zero when it is over. Both are days of the region. */
export const daysLeft = (due: string, today: string): number =>
  Math.round((Date.parse(`${due}T00:00:00Z`) - Date.parse(`${today}T00:00:00Z`)) / 86_400_000);
