import { has, type Person, type Post, seesPatients } from '../access/person';
import type { Key } from '../locale/locale';

/** A list of `Task/$worklist`. */
export type Worklist =
  | 'approval'
  | 'inbox'
  | 'answer'
  | 'in-place'
  | 'declined'
  | 'expected'
  | 'here'
  | 'today'
  | 'trouble'
  | 'overdue'
  | 'retro'
  | 'away'
  | 'sent'
  | 'returned'
  | 'closed'
  | 'drafts';

/** The lists a post works with, the most pressing first. What is in them the server decides. */
const LISTS: Partial<Record<Post, readonly Worklist[]>> = {
  head: ['approval', 'retro', 'overdue', 'sent', 'closed'],
  'medical-affairs': ['approval', 'retro', 'sent', 'closed'],
  president: ['approval', 'retro', 'sent', 'closed'],
  coordinator: [
    'inbox',
    'overdue',
    'trouble',
    'today',
    'expected',
    'here',
    'answer',
    'in-place',
    'declined',
    'sent',
    'closed',
  ],
  consultant: ['here', 'today', 'expected', 'inbox', 'away', 'sent', 'closed'],
  physician: [
    'inbox',
    'trouble',
    'today',
    'expected',
    'here',
    'answer',
    'in-place',
    'declined',
    'returned',
    'away',
    'sent',
    'drafts',
    'closed',
  ],
  gp: ['inbox', 'answer', 'in-place', 'declined', 'returned', 'away', 'sent', 'drafts', 'closed'],
  resident: ['sent', 'closed'],
};

export function worklistsOf(person: Person): Worklist[] {
  return [...new Set(person.roles.flatMap((post) => LISTS[post] ?? []))];
}

/** Whether the lists are of one's own referrals: a resident's. */
export const areOwn = (person: Person): boolean => has(person, 'resident') && !seesPatients(person);

/** What a list is called: whoever is referred reads it as their own. */
export const listTitle = (list: Worklist, person: Person): Key =>
  `referral.list.${areOwn(person) ? 'own.' : ''}${list}` as Key;

/** A number there is how much one has to do, and not how much there is. */
export const isWork = (list: Worklist): boolean => list !== 'closed';
