import type {
  Annotation,
  CarePlan,
  CodeableConcept,
  Provenance,
  Reference,
  ServiceRequest,
  Task,
  TaskOutput,
} from 'fhir/r4';
import { conceptText } from '../fhir/concept';
import { instant } from '../fhir/dates';
import { senderOf } from './request';
import { ACTION, ARRANGED, BOOKED, NOTE, OUTPUT, TASK_KIND } from './systems';

/** Ways into the Task of a referral and what hangs on it, named once. */

export const dueOf = (task: Task): string | undefined => task.restriction?.period?.end;
export const versionOf = (task: Task): string => task.meta?.versionId ?? '';

const kindOf = (task: Task): string => task.code?.coding?.find((coding) => coding.system === TASK_KIND)?.code ?? '';
export const isReferral = (task: Task): boolean => kindOf(task) === 'referral';
export const isApproval = (task: Task): boolean => kindOf(task) === 'approval';

/** Who will see the patient and when, as far as it was said. */
export function arrangedOf(task: Task): { practitioner: Reference | undefined; start: string | undefined } {
  const parts = task.extension?.find((extension) => extension.url === ARRANGED)?.extension ?? [];
  return {
    practitioner: parts.find((part) => part.url === 'practitioner')?.valueReference,
    start: parts.find((part) => part.url === 'start')?.valueDateTime,
  };
}

/** The bed that is kept for the patient, as it is called. */
export const bedOf = (task: Task): string =>
  task.extension?.find((extension) => extension.url === BOOKED)?.extension?.find((part) => part.url === 'bed')
    ?.valueReference?.display ?? '';

export type OutputKind =
  | 'diagnosis'
  | 'findings'
  | 'treatment'
  | 'medication'
  | 'advice'
  | 'next-visit'
  | 'record-number'
  | 'refusal'
  | 'plan'
  | 'attachment';
export const outputsOf = (task: Task, kind: OutputKind): TaskOutput[] =>
  (task.output ?? []).filter((output) =>
    output.type.coding?.some((coding) => coding.system === OUTPUT && coding.code === kind),
  );

export const outputText = (output: TaskOutput): string =>
  output.valueString ?? (conceptText(output.valueCodeableConcept) || (output.valueReference?.display ?? ''));

/** One line of the conversation. `action` is the step it was said with; `by` reads 周丽娟(云溪市第一人民医院). */
export interface Said {
  readonly key: string;
  readonly action: string;
  readonly who: string;
  readonly where: string;
  /** "Practitioner/…" */
  readonly author: string;
  readonly time: string;
  readonly text: string;
  /** Said on the way to the receiver, seen by the sending institution alone. */
  readonly inside: boolean;
}

/** 陈志远(青石镇卫生院) → who, where. */
export function signature(display: string | undefined): { who: string; where: string } {
  const found = /^(.*?)[(（](.*)[)）]$/.exec(display ?? '');
  return found ? { who: found[1] ?? '', where: found[2] ?? '' } : { who: display ?? '', where: '' };
}

function said(note: Annotation, place: number, from: string, inside = false): Said {
  return {
    key: `${from}${place}`,
    action: note.extension?.find((extension) => extension.url === NOTE)?.valueCode ?? '',
    ...signature(note.authorReference?.display ?? note.authorString),
    author: note.authorReference?.reference ?? '',
    time: note.time ?? '',
    text: note.text,
    inside,
  };
}

/** Everything said, oldest first: the notes of the Task and of the approvers' Tasks. The referrer's first words are on the request. */
export function conversationOf(task: Task, approvals: readonly Task[] = []): Said[] {
  const all = [
    ...(task.note ?? []).map((note, place) => said(note, place, 'task')),
    ...approvals.flatMap((one) => (one.note ?? []).map((note, place) => said(note, place, one.id ?? 'approval', true))),
  ];
  return all.sort((a, b) => instant(a.time) - instant(b.time));
}

/** The referrer's own words when the referral was written: the question put to the receiver. */
export const firstWords = (request: ServiceRequest | undefined): Said[] =>
  (request?.note ?? []).map((note, place) => said(note, place, 'request'));

/** One step of the road. */
export interface RoadStep {
  readonly key: string;
  readonly action: string;
  readonly who: string;
  readonly where: string;
  readonly time: string;
  readonly reason: CodeableConcept | undefined;
  /** Milliseconds since the step before; null for the first. */
  readonly since: number | null;
}

const PURPOSE = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';

/** The road so far from the Provenance of the Task, oldest first. */
export function roadOf(provenances: readonly Provenance[], task?: Task): RoadStep[] {
  const sorted = [...provenances].sort(
    (a, b) => instant(a.recorded) - instant(b.recorded) || versionAt(a) - versionAt(b),
  );
  const steps = sorted.map((one, place) => {
    const agent = one.agent[0];
    const before = sorted[place - 1];
    return {
      key: one.id ?? String(place),
      action: one.activity?.coding?.find((coding) => coding.system === ACTION)?.code ?? '',
      who: agent?.who.display ?? '',
      where: agent?.onBehalfOf?.display ?? '',
      time: one.recorded,
      reason: one.reason?.find(
        (concept) => !concept.coding?.every((coding) => coding.system === PURPOSE) || concept.text,
      ),
      since: before ? instant(one.recorded) - instant(before.recorded) : null,
    };
  });
  return task ? begun(steps, task) : steps;
}

/**
 * What the sender did before the referral left its house is the sender's own, also its Provenance. That it was written, by whom and when, stands on
 * the Task for both sides; so both see the same beginning.
 */
function begun(steps: RoadStep[], task: Task): RoadStep[] {
  const [first] = steps;
  if (!task.authoredOn || !first || ['draft', 'submit', 'forward'].includes(first.action)) return steps;
  const written: RoadStep = {
    key: 'written',
    action: 'submit',
    who: task.requester?.display ?? '',
    where: senderOf(task)?.display ?? '',
    time: task.authoredOn,
    reason: undefined,
    since: null,
  };
  return [written, { ...first, since: instant(first.time) - instant(task.authoredOn) }, ...steps.slice(1)];
}

function versionAt(provenance: Provenance): number {
  const task = provenance.target.find((target) => target.reference?.startsWith('Task/'));
  return Number(task?.reference?.split('/_history/')[1] ?? 0);
}

/** The post asked to approve now (科主任), empty when none is. */
export function approverPost(approvals: readonly Task[]): string {
  const waiting = approvals.find((one) => one.status === 'requested');
  return conceptText(waiting?.performerType?.[0]);
}

export const planReference = (task: Task): Reference | undefined => outputsOf(task, 'plan')[0]?.valueReference;

/** What a plan arranges, line by line. */
export const planActivities = (plan: CarePlan): { text: string; when: string }[] =>
  (plan.activity ?? []).flatMap((activity) => {
    const text = conceptText(activity.detail?.code) || (activity.detail?.description ?? '');
    const when = activity.detail?.scheduledPeriod?.start ?? activity.detail?.scheduledTiming?.event?.[0] ?? '';
    return text || when ? [{ text, when }] : [];
  });
