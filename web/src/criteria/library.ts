import type { Parameters, ParametersParameter, Quantity } from 'fhir/r4';
import { textOf, type Urgency, type Way } from './verdict';

/** The library as `PlanDefinition/$in-force` tells it, and how it was answered. Pure. */

export interface LibraryFinding {
  readonly name: string;
  readonly text: string;
  readonly expression: string;
  readonly measure: string;
  readonly compare: string;
  readonly limit: Quantity | undefined;
}

export interface Entry {
  /** Id of the PlanDefinition that holds. */
  readonly id: string;
  readonly url: string;
  readonly version: string;
  readonly title: string;
  readonly rule: string;
  readonly direction: Way;
  readonly urgency: Urgency;
  readonly topic: { readonly code: string; readonly name: string };
  readonly source: string;
  readonly evidence: string;
  readonly active: boolean;
  readonly since: string;
  /** How often the region changed it. */
  readonly changes: number;
  readonly findings: readonly LibraryFinding[];
}

export interface Use {
  readonly followed: number;
  readonly overridden: number;
}

export const entriesOf = (answer: Parameters): Entry[] =>
  (answer.parameter ?? []).map(({ part: parts = [] }) => ({
    id: (parts.find((one) => one.name === 'plan')?.valueReference?.reference ?? '').replace('PlanDefinition/', ''),
    url: textOf(parts, 'url'),
    version: textOf(parts, 'version'),
    title: textOf(parts, 'title'),
    rule: textOf(parts, 'rule'),
    direction: textOf(parts, 'direction') as Way,
    urgency: textOf(parts, 'urgency') as Urgency,
    topic: {
      code: named(parts, 'topic')?.valueCoding?.code ?? '',
      name: named(parts, 'topic')?.valueCoding?.display ?? '',
    },
    source: textOf(parts, 'source'),
    evidence: textOf(parts, 'evidence'),
    active: named(parts, 'active')?.valueBoolean ?? true,
    since: textOf(parts, 'since'),
    changes: named(parts, 'changes')?.valueInteger ?? 0,
    findings: parts
      .filter((one) => one.name === 'finding')
      .map(({ part: inside = [] }) => ({
        name: textOf(inside, 'name'),
        text: textOf(inside, 'text'),
        expression: textOf(inside, 'expression'),
        measure: textOf(inside, 'measure'),
        compare: textOf(inside, 'compare'),
        limit: named(inside, 'limit')?.valueQuantity,
      })),
  }));

export const usesOf = (answer: Parameters): ReadonlyMap<string, Use> =>
  new Map(
    (answer.parameter ?? []).map(({ part: parts = [] }) => [
      textOf(parts, 'url'),
      {
        followed: named(parts, 'followed')?.valueInteger ?? 0,
        overridden: named(parts, 'overridden')?.valueInteger ?? 0,
      },
    ]),
  );

const named = (parts: readonly ParametersParameter[], name: string): ParametersParameter | undefined =>
  parts.find((one) => one.name === name);

export const matches = (entry: Entry, text: string): boolean => {
  const wanted = text.trim().toLowerCase();
  return [entry.title, entry.rule, entry.source, entry.topic.name].some((one) => one.toLowerCase().includes(wanted));
};
