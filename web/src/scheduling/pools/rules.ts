import type { Parameters, ParametersParameter } from 'fhir/r4';
import { KINDS } from '../templates/template';

/** Schedule/$pool-rules as the page has it, and a change as the server takes it (docs/reference/schedules.md). Pure. */

export const POOLS = ['grassroots', 'family-doctor', 'follow-up', 'on-site', 'emergency'] as const;
export type Pool = (typeof POOLS)[number];
export const RULED = KINDS;
export type Ruled = (typeof RULED)[number];
export const ANCHORS = ['release', 'start'] as const;
export type Anchor = (typeof ANCHORS)[number];

/** share in whole per cent. */
export interface Rule {
  kind: Ruled;
  pool: Pool;
  share: number;
  opensDays: number;
  anchor: Anchor;
  hours: number;
}

/** A rule that holds. own: the institution's, not as the region asks for. */
export interface HeldRule extends Rule {
  own: boolean;
}

export type Level = 'institution' | 'region';

export interface Rules {
  since: string;
  day: string;
  own: boolean;
  source: string;
  releaseDays: number;
  /** 07:00 */
  releaseAt: string;
  ownRelease: boolean;
  /** The institution's own keep less than the region asks for. */
  less: boolean;
  rules: HeldRule[];
}

/** An institution with rules of its own. */
export interface Keeping {
  id: string;
  name: string;
  rules: Rules;
}

export interface Change {
  what: 'pools' | 'release';
  own: boolean;
  since: string;
  at: string;
  source: string;
  by: string;
  releaseDays: number;
  releaseAt: string;
  rules: Rule[];
}

export interface Told {
  holds: Rules[];
  region: Rules | undefined;
  institutions: Keeping[];
  changes: Change[];
}

/** A day of one kind of slots: places, and how many would be kept for others than the public, now and then. */
export interface Outlook {
  date: string;
  kind: Ruled;
  places: number;
  taken: number;
  changed: number;
  now: number;
  later: number;
}

type Parts = readonly ParametersParameter[];
const find = (parts: Parts, name: string) => parts.find((part) => part.name === name);
const text = (parts: Parts, name: string): string => {
  const found = find(parts, name);
  return found?.valueString ?? found?.valueCode ?? found?.valueDate ?? found?.valueInstant ?? found?.valueTime ?? '';
};
const number = (parts: Parts, name: string): number => {
  const found = find(parts, name);
  return Number(found?.valueInteger ?? found?.valueDecimal ?? 0);
};
const flag = (parts: Parts, name: string): boolean => find(parts, name)?.valueBoolean ?? false;
const every = (parts: Parts, name: string): Parts[] =>
  parts.filter((part) => part.name === name).map(({ part = [] }) => part);

const ruleOf = (parts: Parts): Rule => ({
  kind: text(parts, 'kind') as Ruled,
  pool: text(parts, 'pool') as Pool,
  share: Math.round(number(parts, 'share') * 100),
  opensDays: number(parts, 'opens-days'),
  anchor: text(parts, 'anchor') as Anchor,
  hours: number(parts, 'hours'),
});

const rulesOf = (parts: Parts): Rules => ({
  since: text(parts, 'since'),
  day: text(parts, 'day'),
  own: flag(parts, 'own'),
  source: text(parts, 'source'),
  releaseDays: number(parts, 'release-days'),
  releaseAt: text(parts, 'release-at').slice(0, 5),
  ownRelease: flag(parts, 'own-release'),
  less: flag(parts, 'less'),
  rules: every(parts, 'rule').map((rule) => ({ ...ruleOf(rule), own: flag(rule, 'own') })),
});

export const institutionsOf = ({ parameter = [] }: Parameters): Keeping[] =>
  every(parameter, 'institution').map((parts) => {
    const { reference = '', display = '' } = find(parts, 'organization')?.valueReference ?? {};
    return { id: reference, name: display, rules: rulesOf(parts) };
  });

export function toldOf(told: Parameters): Told {
  const { parameter = [] } = told;
  return {
    institutions: institutionsOf(told),
    holds: every(parameter, 'holds').map(rulesOf),
    region: every(parameter, 'region').map(rulesOf)[0],
    changes: every(parameter, 'change').map((parts) => ({
      what: text(parts, 'what') as Change['what'],
      own: flag(parts, 'own'),
      since: text(parts, 'since'),
      at: text(parts, 'at'),
      source: text(parts, 'source'),
      by: text(parts, 'by'),
      releaseDays: number(parts, 'release-days'),
      releaseAt: text(parts, 'release-at').slice(0, 5),
      rules: every(parts, 'rule').map(ruleOf),
    })),
  };
}

export const outlooksOf = ({ parameter = [] }: Parameters): Outlook[] =>
  every(parameter, 'day').map((parts) => {
    const places = number(parts, 'places');
    return {
      date: text(parts, 'date'),
      kind: text(parts, 'kind') as Ruled,
      places,
      taken: number(parts, 'taken'),
      changed: number(parts, 'changed'),
      now: places - number(parts, 'now-public'),
      later: places - number(parts, 'then-public'),
    };
  });

export interface Draft {
  since: string;
  source: string;
  releaseDays: number;
  releaseAt: string;
  rules: readonly Rule[];
}

/** The body of $preview-pool-rules, and with a source of $set-pool-rules. */
export function asked(draft: Draft, saves: boolean, level: Level = 'institution'): Parameters {
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'level', valueCode: level },
      { name: 'since', valueDate: draft.since },
      { name: 'release-days', valueInteger: draft.releaseDays },
      { name: 'release-at', valueString: draft.releaseAt },
      ...draft.rules.map((rule) => ({
        name: 'rule',
        resource: {
          resourceType: 'Parameters' as const,
          parameter: [
            { name: 'kind', valueCode: rule.kind },
            { name: 'pool', valueCode: rule.pool },
            { name: 'share', valueDecimal: rule.share / 100 },
            { name: 'opens-days', valueInteger: rule.opensDays },
            { name: 'anchor', valueCode: rule.anchor },
            { name: 'hours', valueDecimal: rule.hours },
          ],
        },
      })),
      ...(saves ? [{ name: 'source', valueString: draft.source.trim() }] : []),
    ],
  };
}

/** The first kind and pool no rule is about yet; undefined where every one has its rule. */
export function nextRule(rules: readonly Rule[]): Rule | undefined {
  for (const kind of RULED)
    for (const pool of POOLS)
      if (!rules.some((rule) => rule.kind === kind && rule.pool === pool))
        return { kind, pool, share: 10, opensDays: 0, anchor: 'start', hours: 24 };
  return undefined;
}

/** Whether a pool has two rules of one kind, or the shares of a kind are more than the whole. */
export function wrong(rules: readonly Rule[]): boolean {
  const pairs = new Set(rules.map((rule) => `${rule.kind} ${rule.pool}`));
  return (
    pairs.size < rules.length ||
    RULED.some((kind) => rules.filter((rule) => rule.kind === kind).reduce((sum, { share }) => sum + share, 0) > 100)
  );
}
