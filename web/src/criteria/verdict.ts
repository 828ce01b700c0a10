import type { Parameters, ParametersParameter, Quantity, Reference } from 'fhir/r4';

/** What `Patient/{id}/$criteria` says, as values. Pure. */

export type State = 'met' | 'nearly' | 'ask' | 'lacking' | 'not-met' | 'not-applicable' | 'failed';
export type Way = 'up' | 'down';
export type Urgency = 'stat' | 'urgent' | 'asap' | 'routine';

export interface Evidence {
  readonly text: string;
  readonly reference: string | undefined;
  readonly at: string | undefined;
}

export interface Finding {
  /** What `confirmed` takes. */
  readonly key: string;
  readonly text: string;
  readonly state: 'found' | 'near' | 'missing' | 'ask' | 'not-found';
  readonly ask: string;
  readonly days: number | undefined;
  readonly measures: readonly string[];
  readonly values: readonly Evidence[];
}

export interface Verdict {
  /** The last part of the criterion's address: "hypertension-severe". */
  readonly key: string;
  /** Address and version. */
  readonly canonical: string;
  readonly title: string;
  readonly rule: string;
  readonly direction: Way;
  readonly urgency: Urgency;
  readonly state: State;
  readonly reason: string;
  readonly specialty: string;
  readonly topic: string;
  readonly source: string;
  readonly evidence: string;
  readonly heldBy: readonly string[];
  readonly findings: readonly Finding[];
}

type Parts = readonly ParametersParameter[];

export const keyOf = (canonical: string): string => (canonical.split('|')[0] ?? '').replace(/^.*\/(criterion-)?/, '');

export const textOf = (parts: Parts, name: string): string => {
  const one = parts.find((part) => part.name === name);
  return one?.valueString ?? one?.valueCode ?? one?.valueCanonical ?? one?.valueDateTime ?? one?.valueDate ?? '';
};
export const quantityOf = (parts: Parts, name: string): Quantity | undefined =>
  parts.find((part) => part.name === name)?.valueQuantity;
export const referenceOf = (parts: Parts, name: string): Reference | undefined =>
  parts.find((part) => part.name === name)?.valueReference;
const all = (parts: Parts, name: string): string[] =>
  parts.filter((part) => part.name === name).map((part) => part.valueString ?? '');

export const verdictsOf = (answer: Parameters): Verdict[] =>
  (answer.parameter ?? []).filter((one) => one.name === 'criterion').map((one) => verdictOf(one.part ?? []));

function verdictOf(parts: Parts): Verdict {
  const canonical = textOf(parts, 'criterion');
  return {
    key: keyOf(canonical),
    canonical,
    title: textOf(parts, 'title'),
    rule: textOf(parts, 'rule'),
    direction: textOf(parts, 'direction') as Way,
    urgency: textOf(parts, 'urgency') as Urgency,
    state: (parts.find((part) => part.name === 'state')?.valueCoding?.code ?? 'failed') as State,
    reason: textOf(parts, 'reason'),
    specialty: textOf(parts, 'specialty'),
    topic: textOf(parts, 'topic'),
    source: textOf(parts, 'source'),
    evidence: textOf(parts, 'evidence'),
    heldBy: all(parts, 'heldBy'),
    findings: parts.filter((part) => part.name === 'finding').map((part) => findingOf(part.part ?? [])),
  };
}

function findingOf(parts: Parts): Finding {
  return {
    key: textOf(parts, 'key'),
    text: textOf(parts, 'text'),
    state: textOf(parts, 'state') as Finding['state'],
    ask: textOf(parts, 'ask'),
    days: parts.find((part) => part.name === 'days')?.valuePositiveInt,
    measures: all(parts, 'measure'),
    values: parts
      .filter((part) => part.name === 'value')
      .map((part) => ({
        text: textOf(part.part ?? [], 'text'),
        reference: referenceOf(part.part ?? [], 'reference')?.reference,
        at: textOf(part.part ?? [], 'at') || undefined,
      })),
  };
}

/** Met, and nothing urgent speaks against it. */
export const holds = (verdict: Verdict): boolean => verdict.state === 'met' && verdict.heldBy.length === 0;

/** Of rules without an illness everybody lacks something; told are those about what the patient has, and those that began to hold. */
export const worthShowing = (verdict: Verdict): boolean =>
  verdict.state === 'met' ||
  verdict.state === 'nearly' ||
  ((verdict.state === 'ask' || verdict.state === 'lacking') && verdict.findings.some((one) => one.state === 'found'));

const URGENCIES: readonly Urgency[] = ['routine', 'asap', 'urgent', 'stat'];
export const moreUrgent = (one: Urgency, other: Urgency): Urgency =>
  URGENCIES.indexOf(one) >= URGENCIES.indexOf(other) ? one : other;
