import type { Params } from '../../client/client';
import type { Worklist } from '../worklists';

/** What a list can be narrowed to. Which states can stand in a list follows from what the list is (`referral/worklists.py`). */
export const STATES_IN: Readonly<Record<Worklist, readonly string[]>> = {
  approval: [],
  inbox: ['submitted', 'received'],
  answer: [],
  'in-place': [],
  declined: [],
  expected: [],
  here: [],
  today: [],
  trouble: ['accepted', 'deferred', 'no-show'],
  overdue: [],
  retro: [],
  away: ['accepted', 'held', 'booked', 'deferred', 'no-show', 'arrived'],
  sent: [
    'in-approval',
    'submitted',
    'received',
    'need-info',
    'in-place',
    'accepted',
    'held',
    'booked',
    'deferred',
    'no-show',
    'arrived',
  ],
  returned: ['submitted', 'received', 'need-info', 'accepted', 'arrived'],
  closed: ['completed', 'declined', 'referred-onward', 'cancelled', 'against-advice'],
  drafts: [],
};

/** So few states that each is a tab with its true count. */
export const TABS_UP_TO = 2;

/** Lists of what others sent to us: where from is what one wants to know. */
export const INCOMING: readonly Worklist[] = ['inbox', 'expected', 'today', 'trouble', 'here', 'returned'];
/** Both ways: from where to where. */
export const BOTH_WAYS: readonly Worklist[] = ['closed', 'overdue', 'in-place'];
/** All of one direction, so there is nothing to choose. */
const ONE_DIRECTION: readonly Worklist[] = ['returned'];
export const hasDirections = (list: Worklist): boolean => !ONE_DIRECTION.includes(list);

export interface WorklistFilters {
  state: string;
  priority: string;
  direction: string;
  green: string;
  q: string;
}

export const PAGE = 50;

export const paramsOf = (list: Worklist, filters: WorklistFilters, count = PAGE): Params => ({
  list,
  state: filters.state,
  priority: filters.priority,
  direction: filters.direction,
  green: filters.green,
  q: filters.q,
  _count: count,
});

/** What the server has on its first page beside what is on the screen. */
export interface Difference {
  /** Referrals that are not on the screen. */
  added: number;
  /** Something on the screen moved on, or is gone. */
  changed: boolean;
}

interface Version {
  id?: string | undefined;
  meta?: { versionId?: string | undefined } | undefined;
}

export function difference(shown: readonly Version[], fresh: readonly Version[], allShown: boolean): Difference {
  const here = new Map(shown.map((one) => [one.id, one.meta?.versionId]));
  const there = new Set(fresh.map((one) => one.id));
  const added = fresh.filter((one) => !here.has(one.id)).length;
  const moved = fresh.some((one) => here.has(one.id) && here.get(one.id) !== one.meta?.versionId);
  const gone = allShown && fresh.length < PAGE && shown.some((one) => !there.has(one.id));
  return { added, changed: moved || gone };
}
