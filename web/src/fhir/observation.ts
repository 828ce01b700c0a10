import type {
  CodeableConcept,
  Observation,
  ObservationComponent,
  ObservationReferenceRange,
  Quantity,
  Reference,
} from 'fhir/r4';
import type { Key, Lang, Translate } from '../locale/locale';
import { conceptText, LOINC } from './concept';
import { dateTime, instant } from './dates';
import { LOINC_NAMES } from './loinc';
import { unitText } from './units';
import { adultLimits } from './vitals';

/** Ways into Observations: what was measured, the value as people write it, and whether it is out of range. */

export type Mark = 'critical-high' | 'high' | 'low' | 'critical-low' | 'critical' | 'abnormal';

/** Where a mark comes from: the laboratory said so, the printed range says so, or the usual limits for adults do. */
export type MarkSource = 'record' | 'range' | 'adult';

export interface Result {
  /** Same for all results of one test. */
  readonly key: string;
  /** LOINC code, empty without one. */
  readonly code: string;
  readonly name: string;
  /** FHIR dateTime; empty when unknown. */
  readonly when: string;
  /** Null for results that are words. */
  readonly number: number | null;
  /** "<", ">" …, part of the result. */
  readonly comparator: string;
  readonly unit: string;
  /** The result in words, for those that are no number. */
  readonly words: string;
  readonly low: number | null;
  readonly high: number | null;
  /** A range given in words only. */
  readonly rangeWords: string;
  readonly mark: Mark | null;
  readonly markSource: MarkSource;
  readonly performer: Reference | undefined;
  readonly encounter: Reference | undefined;
  readonly status: string;
}

export interface Reader {
  lang: Lang;
  t: Translate;
  /** The patient's birth date, to judge vital signs by adult limits; none: no such judgement. */
  birthDate?: string | undefined;
}

/** v3-ObservationInterpretation → mark. Not listed: normal, or nothing to say. */
const INTERPRETED: Readonly<Record<string, Mark>> = {
  H: 'high',
  HU: 'high',
  HH: 'critical-high',
  L: 'low',
  LU: 'low',
  LL: 'critical-low',
  A: 'abnormal',
  AA: 'critical',
  POS: 'abnormal',
  DET: 'abnormal',
  R: 'abnormal',
};

export const MARK_SIGN: Readonly<Record<Mark, string>> = {
  'critical-high': '↑↑',
  high: '↑',
  low: '↓',
  'critical-low': '↓↓',
  critical: '!!',
  abnormal: '!',
};

export const markKey = (mark: Mark): Key => `mark.${mark}`;
export const isCritical = (mark: Mark | null): boolean => mark?.startsWith('critical') ?? false;

export function loincOf(concept: CodeableConcept | undefined): string {
  return concept?.coding?.find((coding) => coding.system === LOINC)?.code ?? '';
}

const HAN = /\p{Script=Han}/u;

/** What it is called: the record's own word when it is in the reader's language, else our name for the code, else the record's word. */
export function testName(concept: CodeableConcept | undefined, lang: Lang): string {
  const own = conceptText(concept).replaceAll('\u200b', '');
  const named = LOINC_NAMES[loincOf(concept)];
  if (!named || (own && HAN.test(own) === (lang === 'zh'))) return own || (named?.[0] ?? '');
  return named[lang === 'zh' ? 0 : 1];
}

export function whenOf(observation: Observation): string {
  const { effectiveDateTime, effectiveInstant, effectivePeriod, issued } = observation;
  return effectiveDateTime ?? effectiveInstant ?? effectivePeriod?.start ?? issued ?? '';
}

export const categoryOf = (observation: Observation): string => observation.category?.[0]?.coding?.[0]?.code ?? '';

/** An observation as results: itself, or each of its components (blood pressure is two). */
export function resultsOf(observation: Observation, reader: Reader): Result[] {
  const parts = observation.component?.filter(hasValue) ?? [];
  if (parts.length > 0 && !hasValue(observation)) return parts.map((part) => resultOf(observation, part, reader));
  return [resultOf(observation, observation, reader)];
}

function hasValue(part: Observation | ObservationComponent): boolean {
  return Object.keys(part).some((key) => key.startsWith('value'));
}

function resultOf(whole: Observation, part: Observation | ObservationComponent, reader: Reader): Result {
  const { lang } = reader;
  const quantity = part.valueQuantity;
  const number = quantity?.value ?? part.valueInteger ?? null;
  const code = loincOf(part.code);
  const name = testName(part.code, lang);
  const range = normalRange(part.referenceRange, quantity);
  const when = whenOf(whole);
  const [mark, markSource] = judge(part, number, range, code, when, reader);
  return {
    key: code ? `${code}` : name,
    code,
    name,
    when,
    number,
    comparator: quantity?.comparator ?? '',
    unit: unitText(quantity?.unit ?? quantity?.code, lang),
    words: number === null ? valueWords(part, reader) : '',
    low: range?.low?.value ?? null,
    high: range?.high?.value ?? null,
    rangeWords: range?.text ?? '',
    mark,
    markSource,
    performer: whole.performer?.find((one) => one.reference?.startsWith('Organization/')) ?? whole.performer?.[0],
    encounter: whole.encounter,
    status: whole.status,
  };
}

function valueWords(part: Observation | ObservationComponent, { t }: Reader): string {
  if (part.valueCodeableConcept) return conceptText(part.valueCodeableConcept);
  if (part.valueString !== undefined) return part.valueString;
  if (part.valueBoolean !== undefined) return t(part.valueBoolean ? 'value.true' : 'value.false');
  if (part.valueDateTime) return dateTime(part.valueDateTime);
  if (part.valueRange)
    return [part.valueRange.low?.value, part.valueRange.high?.value].filter((one) => one !== undefined).join('–');
  if (part.valueRatio) return `${part.valueRatio.numerator?.value ?? ''}:${part.valueRatio.denominator?.value ?? ''}`;
  return conceptText(part.dataAbsentReason);
}

/** The range that means "normal": the one so typed, or the only one; not one in another unit. */
function normalRange(
  ranges: ObservationReferenceRange[] | undefined,
  quantity: Quantity | undefined,
): ObservationReferenceRange | undefined {
  const fitting = (ranges ?? []).filter((range) => {
    const unit = range.low?.unit ?? range.high?.unit;
    return unit === undefined || quantity?.unit === undefined || unit === quantity.unit;
  });
  return fitting.find((range) => range.type?.coding?.some((coding) => coding.code === 'normal')) ?? fitting[0];
}

function judge(
  part: Observation | ObservationComponent,
  number: number | null,
  range: ObservationReferenceRange | undefined,
  code: string,
  when: string,
  { birthDate }: Reader,
): [Mark | null, MarkSource] {
  const said = (part.interpretation ?? [])
    .flatMap((concept) => concept.coding ?? [])
    .flatMap((coding) => coding.code ?? []);
  if (said.length > 0)
    return [said.map((one) => INTERPRETED[one]).find((mark) => mark !== undefined) ?? null, 'record'];
  if (number === null) return [null, 'record'];
  const { low, high } = range ?? {};
  if (low?.value !== undefined || high?.value !== undefined) {
    if (high?.value !== undefined && number > high.value) return ['high', 'range'];
    return [low?.value !== undefined && number < low.value ? 'low' : null, 'range'];
  }
  const limits = adultLimits(code, birthDate, when);
  if (!limits) return [null, 'adult'];
  const { criticalHigh, above, below, criticalLow } = limits;
  if (criticalHigh !== undefined && number >= criticalHigh) return ['critical-high', 'adult'];
  if (above !== undefined && number >= above) return ['high', 'adult'];
  if (criticalLow !== undefined && number < criticalLow) return ['critical-low', 'adult'];
  return [below !== undefined && number < below ? 'low' : null, 'adult'];
}

/** Decimal places worth showing: as given, but four figures are enough for values a machine computed (97.12336842304296). */
export function placesOf(number: number): number {
  const given = String(number).split('.')[1]?.length ?? 0;
  if (given <= 3) return given;
  const size = Math.abs(number);
  return size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
}

export function numberText(number: number, places = placesOf(number)): string {
  return number.toFixed(places);
}

/** "5.6 mmol/L", "<0.01 μg/L", "阴性". `places` keeps a series even: 6.0 beside 6.2. */
export function valueText(result: Result, t: Translate, places?: number): string {
  if (result.number === null) return result.words || t('value.none');
  const number = result.comparator + numberText(result.number, places);
  return result.unit === '%' ? `${number}%` : [number, result.unit].filter(Boolean).join(' ');
}

/** "3.9–6.1", "≤5.2", "≥40", or the laboratory's words. */
export function rangeText(result: Result, places = result.number === null ? 0 : placesOf(result.number)): string {
  const { low, high } = result;
  const show = (number: number) => numberText(number, Math.max(places, placesOf(number)));
  if (low !== null && high !== null) return `${show(low)}–${show(high)}`;
  if (high !== null) return `≤${show(high)}`;
  return low === null ? result.rangeWords : `≥${show(low)}`;
}

/** All results of one test, newest first. */
export interface Series {
  readonly key: string;
  readonly name: string;
  readonly results: readonly Result[];
  readonly latest: Result;
  /** Decimal places of the whole series, its ranges included. */
  readonly places: number;
}

/** Puts results together by test; the test measured last comes first, abnormal ones keep their place. */
export function seriesOf(results: readonly Result[]): Series[] {
  const byTest = new Map<string, Result[]>();
  for (const result of results) {
    const list = byTest.get(result.key);
    if (list) list.push(result);
    else byTest.set(result.key, [result]);
  }
  return [...byTest.values()].flatMap((list) => {
    const sorted = list.sort((a, b) => (instant(b.when) || 0) - (instant(a.when) || 0));
    const latest = sorted[0];
    if (!latest) return [];
    const shown = sorted.flatMap((result) => (result.number === null ? [] : [result.number, result.low, result.high]));
    const places = Math.max(0, ...shown.map((number) => (number === null ? 0 : placesOf(number))));
    return [{ key: latest.key, name: latest.name, results: sorted, latest, places }];
  });
}
