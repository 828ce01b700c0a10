import { conceptText } from '../../fhir/concept';
import type { Key } from '../../locale/locale';
import { directionOf, receiverOf, senderOf } from '../request';
import { isClosed, stateCode } from '../state';
import { approverPost, planReference } from '../task';
import type { Thread } from './thread';

/** What is owed by whom in this state, as a sentence of the dictionary; `who` waits for nobody when closed. */
export interface Owed {
  key: Key;
  values: Record<string, string>;
}

export function owed({ task, request, approvals }: Thread): Owed {
  const from = senderOf(task)?.display ?? senderOf(request)?.display ?? '';
  const to = task.owner?.display ?? receiverOf(request)?.display ?? '';
  const values = { from, to, post: approverPost(approvals) };
  const state = stateCode(task);
  switch (state) {
    case 'draft':
      return { key: task.statusReason ? 'owed.draft.returned' : 'owed.draft', values };
    case 'in-approval':
      return { key: values.post ? 'owed.in-approval' : 'owed.in-approval.somebody', values };
    case 'submitted':
    case 'received':
    case 'need-info':
    case 'arrived':
    case 'completed':
    case 'declined':
    case 'referred-onward':
    case 'cancelled':
    case 'no-show':
    case 'deferred':
    case 'held':
    case 'booked':
    case 'in-place':
    case 'against-advice':
      return { key: `owed.${state}`, values };
    case 'accepted':
      return {
        key: directionOf(request) === 'down' && !planReference(task) ? 'owed.accepted.plan' : 'owed.accepted',
        values,
      };
    default:
      return { key: 'owed.unknown', values };
  }
}

/** What the stated reason is called in this state. */
export function reasonLabel({ task }: Thread): Key {
  const state = stateCode(task);
  if (state === 'need-info') return 'thread.reason.question';
  return state === 'draft' || isClosed(task) ? 'thread.reason.why' : 'thread.reason';
}

/** Why it stands where it stands (returned, declined, cancelled, question); empty where nobody said. */
export const statedReason = ({ task }: Thread): string => conceptText(task.statusReason);
