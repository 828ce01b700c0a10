import type { Parameters, ParametersParameter } from 'fhir/r4';

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
  };
}

/** Harmless and without anything to fill in: done with one click. A note can still be added, beside the button. */
const AT_ONCE: readonly string[] = ['receive', 'approve'];
export const isDoneAtOnce = (action: LegalAction): boolean =>
  AT_ONCE.includes(action.code) && action.requires.length === 0;
