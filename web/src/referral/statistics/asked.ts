import type { Person } from '../../access/person';
import { has } from '../../access/person';
import type { Params } from '../../client/client';
import { today } from '../../fhir/dates';
import { useFilters } from '../../list/useFilters';
import { type By, LINES, type SIDES } from './figures';

/** What the page counts, as it stands in the address. */
export interface Asked {
  side: (typeof SIDES)[number];
  by: By;
  since: string;
  until: string;
  direction: string;
  /** The green channel: asked for, or open. */
  green: string;
}

/** Those who answer for a house's referrals. The server counts what each of them may see. */
export const countsReferrals = (person: Person): boolean => has(person, 'coordinator', 'head', 'office');

/** The office of a consortium sees the numbers of its members, and of no person. */
export const sidesOf = (person: Person): Asked['side'][] =>
  has(person, 'office') ? ['consortium', 'sent', 'received'] : ['sent', 'received'];

/** What few cases may be singled out by stays within one's own institution. */
export const linesOf = (side: Asked['side']): By[] => LINES.filter((by) => side !== 'consortium' || by !== 'disease');

export function useAsked(person: Person): [Asked, (name: string, value: string) => void] {
  const [get, set] = useFilters();
  const now = today(new Date());
  const sides = sidesOf(person);
  const side = sides.find((one) => one === get('side')) ?? sides[0] ?? 'sent';
  return [
    {
      side,
      by: linesOf(side).find((by) => by === get('by')) ?? 'institution',
      since: get('since') || `${now.slice(0, 4)}-01-01`,
      until: get('until') || now,
      direction: get('direction'),
      green: side === 'consortium' ? '' : get('green'),
    },
    set,
  ];
}

export const paramsOf = (asked: Asked): Params => ({
  side: asked.side,
  by: asked.by,
  since: asked.since,
  until: asked.until,
  direction: asked.direction || undefined,
  green: asked.green || undefined,
});

/** The page with the referrals behind a number of this line. */
export function behind(asked: Asked, line: string, figure: string): string {
  const query = new URLSearchParams({ side: asked.side, since: asked.since, until: asked.until, figure });
  if (asked.direction) query.set('direction', asked.direction);
  if (asked.green) query.set('green', asked.green);
  if (line && asked.by !== 'month') query.set(asked.by, line);
  if (line && asked.by === 'month') {
    query.set('since', later(asked.since, `${line}-01`));
    query.set('until', earlier(asked.until, lastDay(line)));
  }
  return `/referral-statistics/list?${query}`;
}

const later = (one: string, other: string): string => (one > other ? one : other);
const earlier = (one: string, other: string): string => (one < other ? one : other);

/** "2026-02" → "2026-02-28" */
export function lastDay(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return `${month}-${String(new Date(Date.UTC(year, number, 0)).getUTCDate()).padStart(2, '0')}`;
}
