import type { CodeableConcept, Extension, Parameters, ParametersParameter, Reference, ServiceRequest } from 'fhir/r4';
import { criteriaExtensions, criteriaOf } from '../../criteria/answers';
import { REASONS } from '../codes/reasons';
import { SPECIALTIES } from '../codes/specialties';
import {
  consentOf,
  directionOf,
  evidenceOf,
  type FormPart,
  formPart,
  impressions,
  reasonCodes,
  receiverOf,
  specialtyOf,
  urgencyOf,
} from '../request';
import { CONSENT, DIRECTION, FORM, REASON, SPECIALTY } from '../systems';
import { EMPTY, type ReferForm } from './form';

/** The form as the ServiceRequest and Parameters of `$refer` and `$act`, and back. Pure. */

/** What the form does not hold itself but the request carries: the patient, and the referral it answers or takes the place of. */
export interface Frame {
  patient: Reference;
  /** "ServiceRequest/…" of the first referral, for a down-referral. */
  basedOn?: string | undefined;
  /** "ServiceRequest/…" of the declined one that is sent anew. */
  replaces?: string | undefined;
}

const coded = (system: string, code: string, display: string): CodeableConcept => ({
  coding: [{ system, code, ...(display ? { display } : {}) }],
});

export function requestOf(
  form: ReferForm,
  frame: Frame,
  names: ReadonlyMap<string, string> = new Map(),
): ServiceRequest {
  const reasons = form.reasons.map((code) => coded(REASON, code, zhOf(REASONS.lateral, code)));
  const others = form.otherImpression.trim() ? [{ text: form.otherImpression.trim() }] : [];
  const extension = formExtension(form);
  return {
    resourceType: 'ServiceRequest',
    status: 'draft',
    intent: 'order',
    subject: frame.patient,
    priority: form.urgency,
    ...(form.direction ? { category: [coded(DIRECTION, form.direction, '')] } : {}),
    ...(form.specialty ? { locationCode: [coded(SPECIALTY, form.specialty, zhOf(SPECIALTIES, form.specialty))] } : {}),
    ...(form.receiver ? { performer: [form.receiver] } : {}),
    ...nonEmpty('reasonCode', [...reasons, ...form.impressions.map((one) => one.concept), ...others]),
    ...nonEmpty(
      'supportingInfo',
      form.evidence.map((reference) => {
        const display = names.get(reference);
        return display ? { reference, display } : { reference };
      }),
    ),
    ...nonEmpty('extension', [...(extension ? [extension] : []), ...criteriaExtensions(form.criteria ?? [])]),
    ...(frame.basedOn ? { basedOn: [{ reference: frame.basedOn }] } : {}),
    ...(frame.replaces ? { replaces: [{ reference: frame.replaces }] } : {}),
  };
}

function nonEmpty<K extends string, T>(key: K, list: readonly T[]): { [key in K]?: T[] } {
  return (list.length > 0 ? { [key]: [...list] } : {}) as { [key in K]?: T[] };
}

const zhOf = (list: readonly { code: string; zh: string }[], code: string): string =>
  list.find((one) => one.code === code)?.zh ?? '';

const PARTS: readonly [FormPart, keyof ReferForm][] = [
  ['present-illness', 'presentIllness'],
  ['past-history', 'pastHistory'],
  ['treatment', 'treatment'],
  ['precautions', 'precautions'],
  ['care-type', 'careType'],
  ['transport', 'transport'],
  ['escort', 'escort'],
  ['infectious', 'infectious'],
];

function formExtension(form: ReferForm): Extension | null {
  const parts = PARTS.flatMap(([url, field]): Extension[] => {
    const text = String(form[field] ?? '').trim();
    if (!text) return [];
    return [url === 'care-type' ? { url, valueCode: text } : { url, valueString: text }];
  });
  return parts.length > 0 ? { url: FORM, extension: parts } : null;
}

/** `$refer`: written at once, sent unless it is a draft. */
export function referParameters(form: ReferForm, request: ServiceRequest, submit: boolean): Parameters {
  const parameter: ParametersParameter[] = [{ name: 'request', resource: request }];
  if (form.consent) parameter.push({ name: 'consent', valueCode: form.consent });
  if (form.question.trim()) parameter.push({ name: 'note', valueString: form.question.trim() });
  if (form.greenChannel?.trim()) parameter.push({ name: 'greenChannel', valueString: form.greenChannel.trim() });
  // A draft is not asked anybody and books nothing: the form says so.
  if (submit) parameter.push(...whereElse(form));
  parameter.push({ name: 'submit', valueBoolean: submit });
  return { resourceType: 'Parameters', parameter };
}

/** The place to be booked, and who is asked when the receiver declines: never the receiver itself. */
function whereElse(form: ReferForm): ParametersParameter[] {
  const next = (form.alternatives ?? []).filter((one) => one.reference !== form.receiver?.reference);
  return [
    ...(form.slot ? [{ name: 'slot', valueReference: form.slot }] : []),
    ...next.map((one) => ({ name: 'alternatives', valueReference: one })),
    ...(form.automatic && (next.length > 0 || !form.alternatives?.length)
      ? [{ name: 'automatic', valueBoolean: true }]
      : []),
  ];
}

/** What a draft has beside the form: kept when it is rewritten. */
export interface Signed {
  /** Who writes, for a consent that is new. */
  by: Reference;
  /** FHIR dateTime. */
  at: string;
}

/**
 * `$act` with `submit` or `revise` on a draft: the request takes the place of the old one. These actions have no parameter for the consent, so
 * it is part of the request, as `$refer` would have written it; the referrer's words are rewritten with it.
 */
export function draftParameters(
  action: 'submit' | 'revise',
  form: ReferForm,
  frame: Frame,
  old: ServiceRequest,
  signed: Signed,
  names?: ReadonlyMap<string, string>,
): Parameters {
  const request = requestOf(form, frame, names);
  const before = consentOf(old);
  const kept = old.extension?.find((extension) => extension.url === CONSENT);
  const consent = before?.way === form.consent && kept ? kept : form.consent ? newConsent(form.consent, signed) : null;
  const words = form.question.trim();
  const same = (old.note ?? []).map((note) => note.text).join('\n') === words;
  const parameter: ParametersParameter[] = [
    { name: 'action', valueCode: action },
    {
      name: 'request',
      resource: {
        ...request,
        ...nonEmpty('extension', [...(request.extension ?? []), ...(consent ? [consent] : [])]),
        ...(same
          ? nonEmpty('note', old.note ?? [])
          : nonEmpty('note', words ? [{ authorReference: signed.by, time: signed.at, text: words }] : [])),
      },
    },
  ];
  return { resourceType: 'Parameters', parameter };
}

function newConsent(way: string, { by, at }: Signed): Extension {
  return {
    url: CONSENT,
    extension: [
      { url: 'agreed', valueBoolean: true },
      { url: 'way', valueCoding: { code: way } },
      { url: 'time', valueDateTime: at },
      { url: 'by', valueReference: by },
    ],
  };
}

/** A request as it was written, back in the form: for a draft, or one to be sent anew. */
export function formOf(request: ServiceRequest): ReferForm {
  const text = (part: FormPart) => formPart(request, part);
  const all = impressions(request);
  return {
    ...EMPTY,
    direction: directionOf(request) ?? '',
    urgency: urgencyOf(request),
    specialty: specialtyOf(request),
    receiver: receiverOf(request) ?? null,
    reasons: reasonCodes(request),
    impressions: all.filter((one) => one.concept.coding?.length),
    otherImpression: all
      .filter((one) => !one.concept.coding?.length)
      .map((one) => one.text)
      .join('；'),
    presentIllness: text('present-illness'),
    pastHistory: text('past-history'),
    treatment: text('treatment'),
    precautions: text('precautions'),
    careType: text('care-type'),
    transport: text('transport'),
    escort: text('escort'),
    infectious: text('infectious'),
    question: (request.note ?? []).map((note) => note.text).join('\n'),
    consent: consentOf(request)?.way ?? '',
    evidence: evidenceOf(request).flatMap((one) => one.reference ?? []),
    criteria: criteriaOf(request.extension),
  };
}
