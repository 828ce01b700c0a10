import type { Person, Post } from '../access/person';

/** A list of `Task/$worklist`. */
export type Worklist =
  | 'approval'
  | 'inbox'
  | 'answer'
  | 'declined'
  | 'expected'
  | 'here'
  | 'sent'
  | 'returned'
  | 'closed'
  | 'drafts';

/** The lists a post works with, the most pressing first. What is in them the server decides. */
const LISTS: Partial<Record<Post, readonly Worklist[]>> = {
  head: ['approval', 'sent', 'closed'],
  coordinator: ['inbox', 'expected', 'here', 'answer', 'declined', 'sent', 'closed'],
  consultant: ['here', 'expected', 'inbox', 'sent', 'closed'],
  physician: ['inbox', 'expected', 'here', 'answer', 'declined', 'returned', 'sent', 'drafts', 'closed'],
  gp: ['inbox', 'answer', 'declined', 'returned', 'sent', 'drafts', 'closed'],
  resident: ['sent', 'closed'],
};

export function worklistsOf(person: Person): Worklist[] {
  return [...new Set(person.roles.flatMap((post) => LISTS[post] ?? []))];
}

/** A number there is how much one has to do, and not how much there is. */
export const isWork = (list: Worklist): boolean => list !== 'closed';
