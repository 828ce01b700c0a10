import type {
  CarePlan,
  Condition,
  DiagnosticReport,
  DocumentReference,
  Encounter,
  FhirResource,
  ImagingStudy,
  Immunization,
  MedicationRequest,
  Observation,
  Procedure,
  Reference,
  ServiceRequest,
} from 'fhir/r4';
import { substanceOf } from './allergy';
import { clinicalCode, conceptText } from './concept';
import { day, month } from './dates';
import { encounterKind, encounterReasons } from './encounter';
import { dosageText, drugName } from './medication';
import { categoryOf, type Reader, type Result, resultsOf, testName, valueText, whenOf } from './observation';
import { type ScanState, scanStateOf } from './scan';

/** One patient's resources as a story: events by month, the many small results of one visit put together as one. */

export const KINDS = [
  'Encounter',
  'Condition',
  'Observation',
  'DiagnosticReport',
  'MedicationRequest',
  'Procedure',
  'Immunization',
  'CarePlan',
  'AllergyIntolerance',
  'ServiceRequest',
  'ImagingStudy',
  'DocumentReference',
] as const;

export type Kind = (typeof KINDS)[number];

export interface Happening {
  /** The resource's id; for results put together the first one's. */
  readonly id: string;
  readonly kind: Kind;
  /** FHIR dateTime; empty when unknown. */
  readonly when: string;
  readonly title: string;
  /** A code worth showing in grey (ICD-10). */
  readonly code: string;
  readonly detail: string;
  /** Institution, when the resource itself says so. */
  readonly where: Reference | undefined;
  /** "Encounter/…", through which the institution can be found. */
  readonly encounter: string;
  /** Whether its contents were scanned, where they are not known to be clean. */
  readonly scan?: ScanState | undefined;
  /** Results put together in this happening. */
  readonly results: readonly Result[];
}

const isKind = (type: string): type is Kind => (KINDS as readonly string[]).includes(type);

export function happeningsOf(resources: readonly FhirResource[], reader: Reader): Happening[] {
  const happenings: Happening[] = [];
  const bunches = new Map<string, { place: number; first: Observation; results: Result[] }>();
  for (const resource of resources) {
    if (resource.resourceType === 'Observation') {
      const key = [day(whenOf(resource)), categoryOf(resource), resource.encounter?.reference ?? ''].join('|');
      const bunch = bunches.get(key);
      if (bunch) bunch.results.push(...resultsOf(resource, reader));
      else {
        bunches.set(key, { place: happenings.length, first: resource, results: resultsOf(resource, reader) });
        happenings.push(ofObservations(resource, [], reader));
      }
    } else if (isKind(resource.resourceType)) {
      happenings.push(ofResource(resource as Story, reader));
    }
  }
  for (const { place, first, results } of bunches.values()) happenings[place] = ofObservations(first, results, reader);
  return happenings;
}

type Story =
  | Encounter
  | Condition
  | DiagnosticReport
  | MedicationRequest
  | Procedure
  | Immunization
  | CarePlan
  | Extract<FhirResource, { resourceType: 'AllergyIntolerance' }>
  | ServiceRequest
  | ImagingStudy
  | DocumentReference;

function ofObservations(first: Observation, results: readonly Result[], { t }: Reader): Happening {
  const category = categoryOf(first);
  const n = results.length;
  const [only] = results;
  const title =
    n === 1 && only
      ? only.name
      : category.startsWith('vital')
        ? t('timeline.vitals', { n })
        : category === 'laboratory'
          ? t('timeline.labs', { n })
          : t('timeline.survey', { n });
  return {
    id: first.id ?? '',
    kind: 'Observation',
    when: whenOf(first),
    title,
    code: '',
    detail: n === 1 && only ? valueText(only, t) : '',
    where: only?.performer?.reference?.startsWith('Organization/') ? only.performer : undefined,
    encounter: first.encounter?.reference ?? '',
    results: n === 1 ? [] : results,
  };
}

function ofResource(resource: Story, reader: Reader): Happening {
  const { t, lang } = reader;
  const made = (when: string | undefined, title: string, more: Partial<Happening> = {}): Happening => ({
    id: resource.id ?? '',
    kind: resource.resourceType as Kind,
    when: when ?? '',
    title,
    code: '',
    detail: '',
    where: undefined,
    encounter:
      'encounter' in resource && resource.encounter && 'reference' in resource.encounter
        ? (resource.encounter.reference ?? '')
        : '',
    results: [],
    scan: scanStateOf(resource),
    ...more,
  });
  const separator = t('list.separator');
  switch (resource.resourceType) {
    case 'Encounter':
      return made(resource.period?.start, encounterKind(resource, t), {
        detail: encounterReasons(resource).join(separator),
        where: resource.serviceProvider,
      });
    case 'Condition':
      return made(
        resource.onsetDateTime ?? resource.onsetPeriod?.start ?? resource.recordedDate,
        conceptText(resource.code),
        {
          code: clinicalCode(resource.code),
          detail: [
            conceptText(resource.severity),
            resource.abatementDateTime ? `— ${day(resource.abatementDateTime)}` : '',
          ]
            .filter(Boolean)
            .join(' '),
        },
      );
    case 'DiagnosticReport':
      return made(
        resource.effectiveDateTime ?? resource.effectivePeriod?.start ?? resource.issued,
        testName(resource.code, lang),
        {
          detail: resource.conclusion ?? '',
          where: resource.performer?.find((one) => one.reference?.startsWith('Organization/')),
        },
      );
    case 'MedicationRequest':
      return made(resource.authoredOn, drugName(resource), { detail: dosageText(resource, t, lang) });
    case 'Procedure':
      return made(resource.performedDateTime ?? resource.performedPeriod?.start, conceptText(resource.code), {
        detail: resource.outcome ? conceptText(resource.outcome) : '',
      });
    case 'Immunization':
      return made(resource.occurrenceDateTime, conceptText(resource.vaccineCode), {
        where: resource.performer?.map((one) => one.actor).find((one) => one.reference?.startsWith('Organization/')),
      });
    case 'CarePlan':
      return made(
        resource.period?.start ?? resource.created,
        resource.title ?? (resource.category ?? []).map(conceptText).find(Boolean) ?? '',
        {
          detail: resource.description ?? '',
        },
      );
    case 'AllergyIntolerance':
      return made(resource.onsetDateTime ?? resource.recordedDate, substanceOf(resource));
    case 'ServiceRequest':
      return made(
        resource.authoredOn ?? resource.occurrenceDateTime,
        conceptText(resource.code) || (resource.category ?? []).map(conceptText).find(Boolean) || '',
        {
          detail: (resource.reasonCode ?? []).map(conceptText).filter(Boolean).join(separator),
        },
      );
    case 'ImagingStudy':
      return made(
        resource.started,
        resource.description ?? (resource.procedureCode ?? []).map(conceptText).find(Boolean) ?? '',
      );
    case 'DocumentReference':
      return made(resource.date, conceptText(resource.type) || (resource.description ?? ''), {
        where: resource.custodian,
      });
  }
}

export interface Month {
  /** `2026-11`; empty for happenings of unknown time. */
  readonly month: string;
  readonly happenings: readonly Happening[];
}

/** Happenings by month, in the order they come. */
export function byMonth(happenings: readonly Happening[]): Month[] {
  const months: { month: string; happenings: Happening[] }[] = [];
  for (const happening of happenings) {
    const its = month(happening.when);
    const last = months.at(-1);
    if (last?.month === its) last.happenings.push(happening);
    else months.push({ month: its, happenings: [happening] });
  }
  return months;
}
