import type {
  AllergyIntolerance,
  Condition,
  DiagnosticReport,
  DocumentReference,
  Encounter,
  ImagingStudy,
  MedicationRequest,
  Observation,
} from 'fhir/r4';
import { isNoKnownAllergy, substanceOf } from '../../fhir/allergy';
import { clinicalCode, conceptText } from '../../fhir/concept';
import { day, instant } from '../../fhir/dates';
import { encounterReasons } from '../../fhir/encounter';
import { dosageText, drugName } from '../../fhir/medication';
import { type Reader, type Result, resultsOf, seriesOf, testName, valueText, whenOf } from '../../fhir/observation';
import type { Diagnosis } from '../request';
import type { ReferForm } from './form';

/** What the record already says, in the fields of the referral: nobody types it twice. Everything stays editable. Pure. */

export interface RecordParts {
  problems: readonly Condition[];
  allergies: readonly AllergyIntolerance[];
  medication: readonly MedicationRequest[];
  encounters: readonly Encounter[];
  vitals: readonly Observation[];
  laboratory: readonly Observation[];
  reports: readonly DiagnosticReport[];
  documents: readonly DocumentReference[];
  imaging: readonly ImagingStudy[];
}

const DAY_MS = 86_400_000;
/** A visit, a diagnosis or a report this fresh belongs to what is referred. */
const FRESH_DAYS = 30;
/** An abnormal value or a vital sign this recent still tells something. */
const RECENT_DAYS = 90;

const within = (when: string | undefined, days: number, now: Date): boolean =>
  now.getTime() - instant(when) <= days * DAY_MS;

export const diagnosisOf = (condition: Condition): Diagnosis => ({
  text: conceptText(condition.code),
  code: clinicalCode(condition.code),
  concept: { ...condition.code, text: conceptText(condition.code) },
});

const since = (condition: Condition): string | undefined =>
  condition.onsetDateTime ?? condition.onsetPeriod?.start ?? condition.recordedDate;

/** Diagnoses that are new; without one the newest of all. */
export function freshDiagnoses(problems: readonly Condition[], now: Date): Diagnosis[] {
  const named = problems.filter((condition) => conceptText(condition.code));
  const fresh = named.filter((condition) => within(since(condition), FRESH_DAYS, now));
  return (fresh.length > 0 ? fresh : named.slice(0, 1)).map(diagnosisOf);
}

export function prefilled(parts: RecordParts, reader: Reader, now: Date): Partial<ReferForm> {
  return {
    impressions: freshDiagnoses(parts.problems, now),
    presentIllness: presentIllness(parts, reader, now),
    pastHistory: pastHistory(parts, reader),
    treatment: parts.medication
      .map((request) => [drugName(request), dosageText(request, reader.t, reader.lang)].filter(Boolean).join(' '))
      .filter(Boolean)
      .join('；'),
    evidence: evidenceOptions(parts, reader, now)
      .filter((option) => option.chosen)
      .map((option) => option.reference),
  };
}

/** The latest visit and the signs measured there: a beginning, which the doctor completes. */
function presentIllness({ encounters, vitals }: RecordParts, reader: Reader, now: Date): string {
  const visit = encounters.find((encounter) => within(encounter.period?.start, FRESH_DAYS, now));
  const complaint = visit
    ? (visit.reasonCode ?? []).map(conceptText).filter(Boolean).join('；') || encounterReasons(visit).join('；')
    : '';
  const lines: string[] = [];
  if (visit && complaint) lines.push(`${day(visit.period?.start)} ${complaint}。`);
  const measured = signsText(
    latestOf(vitals, reader).filter((result) => within(result.when, FRESH_DAYS, now)),
    reader,
  );
  if (measured.length > 0) lines.push(`${measured.join('，')}。`);
  return lines.join('\n');
}

/** Read first what decides first (LOINC); height, weight and waist decide nothing today. */
const SIGNS = ['8480-6', '8462-4', '8867-4', '9279-1', '8310-5', '59408-5', '2708-6'];
const isSign = (results: readonly Result[]): boolean => results.some((result) => SIGNS.includes(result.code));
const signRank = (code: string): number => (SIGNS.includes(code) ? SIGNS.indexOf(code) : SIGNS.length);

/** 血压 148/84 mmHg，心率 74 次/分 … */
function signsText(results: readonly Result[], reader: Reader): string[] {
  const signs = results
    .filter((result) => SIGNS.includes(result.code))
    .sort((a, b) => signRank(a.code) - signRank(b.code));
  const [systolic, diastolic] = [SIGNS[0], SIGNS[1]].map((code) => signs.find((result) => result.code === code));
  const together = systolic && diastolic && systolic.when === diastolic.when;
  const pressure = together
    ? [
        `${reader.t('record.vitals.pressure')} ${valueText({ ...systolic, unit: '' }, reader.t)}/${valueText(diastolic, reader.t)}`,
      ]
    : [];
  const others = signs.filter((result) => !(together && (result === systolic || result === diastolic)));
  return [...pressure, ...others.map((result) => `${result.name} ${valueText(result, reader.t)}`)];
}

function pastHistory({ problems, allergies }: RecordParts, reader: Reader): string {
  const known = problems
    .map((condition) => {
      const year = since(condition)?.slice(0, 4);
      const name = conceptText(condition.code);
      return name && year ? reader.t('refer.since', { name, year }) : name;
    })
    .filter(Boolean);
  const real = allergies.filter((allergy) => !isNoKnownAllergy(allergy)).map(substanceOf);
  const denied = allergies.length > 0 && real.length === 0;
  return [
    [...new Set(known)].join('；'),
    real.length > 0
      ? reader.t('refer.allergic', { what: real.join('、') })
      : denied
        ? reader.t('patient.allergies.denied')
        : '',
  ]
    .filter(Boolean)
    .join('。');
}

/** The last value of each sign or test, newest first. */
function latestOf(observations: readonly Observation[], reader: Reader): Result[] {
  const results = observations
    .filter((observation) => observation.status !== 'entered-in-error')
    .flatMap((observation) => resultsOf(observation, reader))
    .filter((result) => result.number !== null || result.words !== '');
  return seriesOf(results).map((series) => series.latest);
}

export type EvidenceGroup = 'vitals' | 'laboratory' | 'reports' | 'documents';
export const EVIDENCE_GROUPS: readonly EvidenceGroup[] = ['vitals', 'laboratory', 'reports', 'documents'];

/** Something of the record that can travel along with a referral. */
export interface EvidenceOption {
  readonly reference: string;
  readonly group: EvidenceGroup;
  readonly name: string;
  readonly when: string;
  readonly results: readonly Result[];
  /** What a report says. */
  readonly words: string;
  /** Worth sending, so marked from the start. */
  readonly chosen: boolean;
}

const isAbnormal = (results: readonly Result[]): boolean => results.some((result) => result.mark !== null);

/** Last vital signs and recent abnormal values and reports are chosen; the last of everything else is offered, each with its day. */
export function evidenceOptions(parts: RecordParts, reader: Reader, now: Date): EvidenceOption[] {
  const vitals = ofObservations(parts.vitals, 'vitals', reader, (results, when) =>
    within(when, isSign(results) ? RECENT_DAYS : FRESH_DAYS, now),
  );
  const laboratory = ofObservations(
    parts.laboratory,
    'laboratory',
    reader,
    (results, when) => isAbnormal(results) && within(when, RECENT_DAYS, now),
  );
  const rank = (option: EvidenceOption) => Math.min(...option.results.map((result) => signRank(result.code)));
  return [
    ...vitals.sort((a, b) => rank(a) - rank(b)),
    ...laboratory.sort((a, b) => Number(isAbnormal(b.results)) - Number(isAbnormal(a.results))),
    ...parts.reports.map((report) => ofReport(report, reader, now)),
    ...parts.imaging.map((study) =>
      ofDocument(
        `ImagingStudy/${study.id ?? ''}`,
        study.description ?? conceptText(study.procedureCode?.[0]),
        study.started,
        now,
      ),
    ),
    ...parts.documents.map((one) =>
      ofDocument(`DocumentReference/${one.id ?? ''}`, conceptText(one.type) || (one.description ?? ''), one.date, now),
    ),
  ].filter((option) => option.name !== '');
}

/** Each test once, with its last value. */
function ofObservations(
  observations: readonly Observation[],
  group: EvidenceGroup,
  reader: Reader,
  chosen: (results: readonly Result[], when: string) => boolean,
): EvidenceOption[] {
  const seen = new Set<string>();
  const sorted = observations
    .filter((observation) => observation.status !== 'entered-in-error' && observation.id)
    .sort((a, b) => (instant(whenOf(b)) || 0) - (instant(whenOf(a)) || 0));
  return sorted.flatMap((observation): EvidenceOption[] => {
    const name = testName(observation.code, reader.lang);
    const results = resultsOf(observation, reader)
      .filter((result) => result.number !== null || result.words !== '')
      .sort((a, b) => signRank(a.code) - signRank(b.code));
    if (seen.has(name) || results.length === 0) return [];
    seen.add(name);
    const when = whenOf(observation);
    return [
      {
        reference: `Observation/${observation.id}`,
        group,
        name,
        when,
        results,
        words: '',
        chosen: chosen(results, when),
      },
    ];
  });
}

function ofReport(report: DiagnosticReport, reader: Reader, now: Date): EvidenceOption {
  const when = report.effectiveDateTime ?? report.effectivePeriod?.start ?? report.issued ?? '';
  return {
    reference: `DiagnosticReport/${report.id ?? ''}`,
    group: 'reports',
    name: testName(report.code, reader.lang),
    when,
    results: [],
    words: report.conclusion ?? '',
    chosen: within(when, FRESH_DAYS, now),
  };
}

function ofDocument(reference: string, name: string, when: string | undefined, now: Date): EvidenceOption {
  return {
    reference,
    group: 'documents',
    name,
    when: when ?? '',
    results: [],
    words: '',
    chosen: within(when, FRESH_DAYS, now),
  };
}
