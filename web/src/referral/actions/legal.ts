import type { Parameters, ParametersParameter, Reference } from 'fhir/r4';
import { conceptText } from '../../fhir/concept';
import { type ActForm, EMPTY_ACT } from './parameters';

/** What this person may do with a referral now, as `$actions` says it. The pages draw these and no others. */
export interface LegalAction {
  readonly code: string;
  /** 中文, from the server. */
  readonly display: string;
  readonly primary: boolean;
  readonly danger: boolean;
  readonly requires: readonly string[];
  readonly optional: readonly string[];
  /** At least one of these must be given; they are among `optional` too. */
  readonly oneOf: readonly string[];
  /** What the platform fills in, and why; absent where it proposes nothing. */
  readonly proposed?: Proposed | undefined;
}

export interface Proposed {
  readonly to?: Reference | undefined;
  readonly reason?: string | undefined;
  readonly why: readonly string[];
}

export function legalActions(answer: Parameters): LegalAction[] {
  return (answer.parameter ?? []).filter((one) => one.name === 'action').map((one) => actionOf(one.part ?? []));
}

function actionOf(parts: readonly ParametersParameter[]): LegalAction {
  const codes = (name: string) =>
    parts.filter((part) => part.name === name).flatMap((part) => part.valueCode ?? part.valueString ?? []);
  const flag = (name: string) => parts.some((part) => part.name === name && part.valueBoolean === true);
  return {
    code: codes('code')[0] ?? '',
    display: codes('display')[0] ?? '',
    primary: flag('primary'),
    danger: flag('danger'),
    requires: codes('requires'),
    optional: codes('optional'),
    oneOf: codes('oneOf'),
    proposed: proposedOf(parts.find((part) => part.name === 'proposed')?.part),
  };
}

function proposedOf(parts: readonly ParametersParameter[] | undefined): Proposed | undefined {
  if (!parts) return undefined;
  return {
    to: parts.find((part) => part.name === 'to')?.valueReference,
    reason: conceptText(parts.find((part) => part.name === 'reason')?.valueCodeableConcept),
    why: parts.filter((part) => part.name === 'why').flatMap((part) => part.valueString ?? []),
  };
}

/** The small form with what is proposed in it. */
export const formOf = ({ proposed }: LegalAction): ActForm => ({
  ...EMPTY_ACT,
  to: proposed?.to ?? null,
  reason: proposed?.reason ?? '',
});

/** Who was told that the referral is late. */
export interface Alarm {
  readonly stage: string;
  /** ISO. */
  readonly time: string;
  readonly to: readonly string[];
}

export const alarmsOf = (answer: Parameters): Alarm[] =>
  (answer.parameter ?? [])
    .filter((one) => one.name === 'alarm')
    .map(({ part = [] }) => ({
      stage: part.find((one) => one.name === 'stage')?.valueCode ?? '',
      time: part.find((one) => one.name === 'time')?.valueInstant ?? '',
      to: part.filter((one) => one.name === 'to').flatMap((one) => one.valueString ?? []),
    }));

/** How many milliseconds after the answer time alone changes what may be done, by the server's clock; undefined where only a step does. */
export function changesIn(answer: Parameters): number | undefined {
  const parts = (answer.parameter ?? []).find((one) => one.name === 'changes')?.part ?? [];
  const at = (name: string) => Date.parse(parts.find((one) => one.name === name)?.valueInstant ?? '');
  const wait = at('time') - at('now');
  return Number.isNaN(wait) ? undefined : wait;
}

/** Harmless and without anything to fill in: done with one click. A note can still be added, beside the button. */
const AT_ONCE: readonly string[] = ['receive', 'approve'];
export const isDoneAtOnce = (action: LegalAction): boolean =>
  AT_ONCE.includes(action.code) && action.requires.length === 0;
