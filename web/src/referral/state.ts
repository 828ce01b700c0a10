import type { Task } from 'fhir/r4';
import type { Key } from '../locale/locale';
import { isWord } from './known';
import { STATE } from './systems';

/** The code of a referral's state (`Task.businessStatus`) and its word in the one dictionary; who owes the next step in it. */
export function stateCode(task: Task): string {
  const codings = task.businessStatus?.coding ?? [];
  return (codings.find((coding) => coding.system === STATE) ?? codings[0])?.code ?? 'unknown';
}

export function stateKey(code: string): Key {
  const key = `referral.state.${code}`;
  return isWord(key) ? key : 'referral.state.unknown';
}

/** Nobody owes a step any more. */
export const CLOSED: readonly string[] = ['completed', 'declined', 'referred-onward', 'cancelled', 'against-advice'];
/** Seen by the sending institution alone; there is no slip yet. */
export const CONFINED: readonly string[] = ['draft', 'in-approval'];

export const isClosed = (task: Task): boolean => CLOSED.includes(stateCode(task));
/** Under way: the patient can have one of these for a specialty. */
export const isLive = (task: Task): boolean => stateCode(task) !== 'draft' && !isClosed(task);

/** How a state looks: done is green, refused and cancelled grey, what waits for an answer orange, the rest calm. */
export type Tone = 'waiting' | 'going' | 'done' | 'over';

const TONES: Readonly<Record<string, Tone>> = {
  draft: 'over',
  'in-approval': 'waiting',
  submitted: 'waiting',
  received: 'going',
  'need-info': 'waiting',
  'in-place': 'waiting',
  accepted: 'going',
  held: 'going',
  booked: 'going',
  deferred: 'waiting',
  'no-show': 'waiting',
  arrived: 'going',
  completed: 'done',
  declined: 'over',
  'referred-onward': 'over',
  cancelled: 'over',
  'against-advice': 'over',
};

export const toneOf = (code: string): Tone => TONES[code] ?? 'over';
