import type { ServiceRequest, Task } from 'fhir/r4';
import { useLocation } from 'react-router';
import { ask, search } from '../../client/client';
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
 * (`?down=`), one that was declined and is sent anew (`?again=`), a follow-up visit that asks for a referral (`?visit=`), or a card another
 * system was given (`?card=`, asked for anew within what one may see). The values are ids of Tasks, of a visit, of a card. What a visit proposes is stored nowhere: it comes along in the state of the browser's history, which a reload keeps.
 */
export type Start =
  | { kind: 'new'; visit?: string; card?: string; proposal?: ServiceRequest }
  | { kind: 'draft' | 'down' | 'again'; task: Task; request: ServiceRequest };

export type Way = 'draft' | 'down' | 'again';
const WAYS: readonly Way[] = ['draft', 'down', 'again'];

export const referAddress = (patient: string, way?: Way, task?: string): string =>
  `/patients/${patient.replace(/^Patient\//, '')}/refer${way && task ? `?${way}=${task}` : ''}`;

/** Where a visit's proposal is looked at and sent: a link's address and state. */
export const proposalAddress = (patient: string, visit: string): string =>
  `/patients/${patient.replace(/^Patient\//, '')}/refer?visit=${visit}`;

export interface ProposalState {
  proposal?: ServiceRequest | undefined;
}

/** The start of a referral that begins anew, with what a visit proposes where one came along. */
export function newStart(query: URLSearchParams, state: unknown): Start {
  const visit = query.get('visit');
  const proposal = (state as ProposalState | null)?.proposal;
  return visit && proposal?.resourceType === 'ServiceRequest' ? { kind: 'new', visit, proposal } : { kind: 'new' };
}

export function useStart(patient: string, query: URLSearchParams): Reading<Start> {
  const { state } = useLocation();
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
  const card = way ? '' : (query.get('card') ?? '');
  const given = useReading<Start>(
    ['referral', patient, 'card', card],
    async (signal) => ({
      kind: 'new',
      card,
      proposal: await ask<ServiceRequest>(`Patient/${patient}/$card-referral`, { card }, signal),
    }),
    { enabled: card !== '', staleTime: 0, gcTime: 0 },
  );
  if (card) return given;
  return way ? reading : { state: 'here', value: newStart(query, state) };
}

/** General practice: where a patient who goes back to the grassroots is looked after. */
const GENERAL_PRACTICE = '02';

/** The form a start brings with it; `null` fields are left to the record. */
export function startingForm(start: Start, fromRecord: Partial<ReferForm>): ReferForm {
  if (start.kind === 'new') return start.proposal ? proposed(start.proposal, fromRecord) : blank(fromRecord);
  if (start.kind === 'draft') return formOf(start.request);
  if (start.kind === 'again') return { ...formOf(start.request), receiver: null };
  return answering(start.task, start.request, fromRecord);
}

/** The criterion of the card another system was given, where the form was opened by one; "" otherwise. */
export const cardOf = (start: Start): string =>
  start.kind === 'new' && start.card ? (start.proposal?.instantiatesCanonical?.[0] ?? '') : '';

/** What the form that began with it is kept under. */
export function startName(start: Start): string {
  if (start.kind === 'new') return start.visit ? `visit.${start.visit}` : start.card ? `card.${start.card}` : '';
  return `${start.kind}.${start.task.id ?? ''}`;
}

const blank = (fromRecord: Partial<ReferForm>): ReferForm => ({ ...EMPTY, direction: 'up', ...fromRecord });

/** What a visit proposes, beside what the record says; where the proposal is silent the record speaks. */
function proposed(proposal: ServiceRequest, fromRecord: Partial<ReferForm>): ReferForm {
  const form = blank(fromRecord);
  const said = formOf(proposal);
  const diagnosed = said.impressions.length > 0 || said.otherImpression !== '';
  return {
    ...form,
    direction: said.direction || form.direction,
    urgency: said.urgency,
    specialty: said.specialty,
    receiver: said.receiver,
    reasons: said.reasons,
    impressions: diagnosed ? said.impressions : form.impressions,
    otherImpression: said.otherImpression,
    presentIllness: form.presentIllness || said.question,
    question: said.question,
  };
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
