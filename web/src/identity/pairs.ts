import type { Parameters, ParametersParameter, Patient, Task } from 'fhir/r4';
import { ask, operate } from '../client/client';

/** A pair of records as the server tells it (`$match-worklist`, `$match-task`), and what can be decided of it. */

export type State = 'open' | 'later' | 'same' | 'different';
export type Decision = 'same' | 'different' | 'later' | 'undo';
export type Agreement = 'same' | 'different' | 'one' | 'none';

export interface Compared {
  code: string;
  title: string;
  first: string;
  second: string;
  agreement: Agreement;
}

export interface Step {
  title: string;
  level: string;
  bits: number;
  /** The correction for how common a value is. */
  term: boolean;
}

export interface Pair {
  task: Task;
  /** How many more records each of the two is linked to. */
  linked: [number, number];
  fields: Compared[];
  steps: Step[];
  weight: number | undefined;
}

export interface Weight {
  comparison: string;
  level: string;
  title: string;
  m: number;
  u: number;
  bits: number;
}

export interface Model {
  version: number;
  note: string;
  prior: number;
  patients: number;
  weights: Weight[];
}

export const stateOf = (task: Task): State => (task.businessStatus?.coding?.[0]?.code as State | undefined) ?? 'open';

export const recordOf = (task: Task, which: 'first' | 'second'): Patient | undefined =>
  task.contained?.find((one): one is Patient => one.resourceType === 'Patient' && one.id === which);

const inputs = (task: Task, name: string) => (task.input ?? []).filter((one) => one.type.text === name);

export const scoreOf = (task: Task): number => inputs(task, 'score')[0]?.valueDecimal ?? 0;
export const whyOf = (task: Task): string => inputs(task, 'why')[0]?.valueCode ?? '';
export const differsOf = (task: Task): string[] => inputs(task, 'differs').map((one) => one.valueCode ?? '');

/** 0.99996 is not "100 %". */
export const percent = (score: number): string => (score > 0.999 ? '>99.9%' : `${(score * 100).toFixed(1)}%`);

const part = (one: ParametersParameter, name: string) => one.part?.find((inner) => inner.name === name);
const textOf = (one: ParametersParameter, name: string): string => {
  const found = part(one, name);
  return found?.valueString ?? found?.valueCode ?? '';
};
const numberOf = (one: ParametersParameter, name: string): number => {
  const found = part(one, name);
  return found?.valueDecimal ?? found?.valueInteger ?? 0;
};

export function pairOf(told: Parameters): Pair {
  const all = told.parameter ?? [];
  const named = (name: string) => all.filter((one) => one.name === name);
  const linked = named('record').map((one) => numberOf(one, 'linked'));
  return {
    task: named('task')[0]?.resource as Task,
    linked: [linked[0] ?? 0, linked[1] ?? 0],
    fields: named('field').map((one) => ({
      code: textOf(one, 'code'),
      title: textOf(one, 'display'),
      first: textOf(one, 'first'),
      second: textOf(one, 'second'),
      agreement: textOf(one, 'agreement') as Agreement,
    })),
    steps: all
      .filter((one) => one.name === 'step' || one.name === 'correction')
      .map((one) => ({
        title: textOf(one, 'display'),
        level: textOf(one, 'level'),
        bits: numberOf(one, 'bits'),
        term: one.name === 'correction',
      })),
    weight: named('weight')[0]?.valueDecimal,
  };
}

export async function readPair(id: string, signal: AbortSignal): Promise<Pair> {
  return pairOf(await ask<Parameters>('$match-task', { id }, signal));
}

export async function decide(id: string, decision: Decision, reason: string): Promise<Pair> {
  const parameter: ParametersParameter[] = [
    { name: 'id', valueInteger: Number(id) },
    { name: 'reason', valueString: reason },
  ];
  if (decision !== 'undo') parameter.push({ name: 'decision', valueCode: decision });
  const path = decision === 'undo' ? '$match-undo' : '$match-decide';
  return pairOf(await operate(path, { resourceType: 'Parameters', parameter }));
}

export async function readCounts(signal: AbortSignal): Promise<Record<State, number>> {
  const told = await ask<Parameters>('$match-worklist-counts', {}, signal);
  const of = (name: State): number => told.parameter?.find((one) => one.name === name)?.valueInteger ?? 0;
  return { open: of('open'), later: of('later'), same: of('same'), different: of('different') };
}

export async function readModel(signal: AbortSignal): Promise<Model> {
  const told = await ask<Parameters>('$match-model', {}, signal);
  const all = told.parameter ?? [];
  const one = (name: string) => all.find((found) => found.name === name);
  return {
    version: one('version')?.valueInteger ?? 0,
    note: one('note')?.valueString ?? '',
    prior: one('prior')?.valueDecimal ?? 0,
    patients: one('patients')?.valueInteger ?? 0,
    weights: all
      .filter((found) => found.name === 'weight')
      .map((found) => ({
        comparison: textOf(found, 'comparison'),
        level: textOf(found, 'level'),
        title: textOf(found, 'display'),
        m: numberOf(found, 'm'),
        u: numberOf(found, 'u'),
        bits: numberOf(found, 'bits'),
      })),
  };
}
