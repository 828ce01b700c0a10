import type { ServiceRequest, Task } from 'fhir/r4';
import { search } from '../../client/client';
import { Problem } from '../../client/problem';
import { chinese } from '../../locale/locale';
import { type Reading, useReading } from '../../page/reading';
import { impressions, senderOf } from '../request';
import { outputsOf, outputText } from '../task';
import { EMPTY, type ReferForm } from './form';
import type { Frame } from './writing';
import { formOf } from './writing';

/**
 * What a new referral can start from: nothing (`/refer`), a draft to go on with (`?draft=`), a completed referral whose patient goes back
 * (`?down=`), or one that was declined and is sent anew (`?again=`). The values are ids of Tasks.
 */
export type Start = { kind: 'new' } | { kind: 'draft' | 'down' | 'again'; task: Task; request: ServiceRequest };

export type Way = 'draft' | 'down' | 'again';
const WAYS: readonly Way[] = ['draft', 'down', 'again'];

export const referAddress = (patient: string, way?: Way, task?: string): string =>
  `/patients/${patient.replace(/^Patient\//, '')}/refer${way && task ? `?${way}=${task}` : ''}`;

export function useStart(query: URLSearchParams): Reading<Start> {
  const way = WAYS.find((one) => query.get(one));
  const id = way ? (query.get(way) ?? '') : '';
  const reading = useReading<Start>(
    ['referral', id, 'start', way ?? ''],
    async (signal) => {
      const page = await search<Task>('Task', { _id: id, _include: 'Task:focus' }, signal);
      const [task] = page.matches;
      const request = page.included.get(task?.focus?.reference ?? '') as ServiceRequest | undefined;
      if (!task || !request || !way) throw new Problem('missing', 404, [], '');
      return { kind: way, task, request };
    },
    { enabled: way !== undefined, staleTime: 0, gcTime: 0 },
  );
  return way ? reading : { state: 'here', value: { kind: 'new' } };
}

/** General practice: where a patient who goes back to the grassroots is looked after. */
const GENERAL_PRACTICE = '02';

/** The form a start brings with it; `null` fields are left to the record. */
export function startingForm(start: Start, fromRecord: Partial<ReferForm>): ReferForm {
  if (start.kind === 'new') return { ...EMPTY, direction: 'up', ...fromRecord };
  if (start.kind === 'draft') return formOf(start.request);
  if (start.kind === 'again') return { ...formOf(start.request), receiver: null };
  return answering(start.task, start.request, fromRecord);
}

/** A down-referral tells the grassroots what was found and done, and goes back to where the patient came from. */
function answering(task: Task, request: ServiceRequest, fromRecord: Partial<ReferForm>): ReferForm {
  const said = (kind: Parameters<typeof outputsOf>[1]) =>
    outputsOf(task, kind).map(outputText).filter(Boolean).join('；');
  const diagnosed = outputsOf(task, 'diagnosis').flatMap((output) => output.valueCodeableConcept ?? []);
  const diagnoses =
    diagnosed.length > 0 ? impressions({ ...request, reasonCode: diagnosed }) : (fromRecord.impressions ?? []);
  return {
    ...EMPTY,
    ...fromRecord,
    direction: 'down',
    specialty: GENERAL_PRACTICE,
    receiver: senderOf(task) ?? null,
    impressions: diagnoses.filter((one) => one.code || one.concept.coding?.length),
    otherImpression: diagnoses
      .filter((one) => !one.code && !one.concept.coding?.length)
      .map((one) => one.text)
      .join('；'),
    presentIllness: (['diagnosis', 'findings'] as const)
      .flatMap((kind) => (said(kind) ? [`${chinese(`thread.output.${kind}`)}：${said(kind)}`] : []))
      .join('\n'),
    treatment: said('treatment') || (fromRecord.treatment ?? ''),
    question: said('advice'),
  };
}

export function frameOf(start: Start, patient: { reference: string; display: string }): Frame {
  if (start.kind === 'new') return { patient };
  const own = `ServiceRequest/${start.request.id ?? ''}`;
  if (start.kind === 'down') return { patient, basedOn: own };
  if (start.kind === 'again') return { patient, replaces: own };
  return {
    patient,
    basedOn: start.request.basedOn?.[0]?.reference,
    replaces: start.request.replaces?.[0]?.reference,
  };
}
