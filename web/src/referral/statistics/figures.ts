import type { MeasureReport, MeasureReportGroupPopulation } from 'fhir/r4';

/** The report of `Task/$referral-statistics` as lines with rates. Pure. */

export interface Line {
  /** What the server narrows by: an Organization's id, 诊疗科目, ICD-10 category, month, …; '' for the whole. */
  code: string;
  name: string;
  numbers: Readonly<Record<string, number>>;
  /** Hours until the first answer, the median; absent where there was none. */
  hours?: number | undefined;
}

export interface Told {
  lines: Line[];
  whole: Line;
  /** Lines the server left out, the smallest ones. */
  more: number;
}

export const SIDES = ['sent', 'received', 'consortium'] as const;
export const LINES = ['institution', 'specialty', 'disease', 'month', 'direction', 'priority'] as const;
export type By = (typeof LINES)[number];

/** Each rate: the part, and what it is a part of. A click leads to the part. */
export const RATES = [
  { code: 'in-time', of: 'sent' },
  { code: 'accepted', of: 'answered' },
  { code: 'arrived', of: 'accepted' },
  { code: 'missed', of: 'accepted' },
  { code: 'returned', of: 'completed' },
] as const;

/** What became of them: these and what is still under way are all of them. */
export const OUTCOMES = ['completed', 'under-way', 'refused', 'cancelled', 'against-advice'] as const;

const MORE = 'https://yilian.example/fhir/StructureDefinition/lines-left-out';

interface Numbered {
  population?: MeasureReportGroupPopulation[] | undefined;
  measureScore?: { value?: number | undefined } | undefined;
}

function lineOf(code: string, name: string, { population = [], measureScore }: Numbered): Line {
  const numbers = Object.fromEntries(population.map((one) => [one.code?.coding?.[0]?.code ?? '', one.count ?? 0]));
  return { code, name, numbers, hours: measureScore?.value };
}

export function toldOf(report: MeasureReport): Told {
  const group = report.group?.[0];
  const strata = group?.stratifier?.[0]?.stratum ?? [];
  return {
    lines: strata.map((one) => lineOf(one.value?.coding?.[0]?.code ?? '', one.value?.text ?? '', one as Numbered)),
    whole: lineOf('', '', (group ?? {}) as Numbered),
    more: report.extension?.find((one) => one.url === MORE)?.valueInteger ?? 0,
  };
}

export const numberOf = (line: Line, code: string): number => line.numbers[code] ?? 0;

/** From 0 to 1; nothing where nobody is counted. */
export function rateOf(line: Line, part: string, of: string): number | undefined {
  const all = numberOf(line, of);
  return all ? numberOf(line, part) / all : undefined;
}

/** How much more than in the same days of the year before: 0.05 is 5 %. Nothing where there was none then. */
export function growthOf(line: Line): number | undefined {
  const before = numberOf(line, 'a-year-before');
  return before ? (numberOf(line, 'sent') - before) / before : undefined;
}

export function outcomeOf(line: Line, outcome: (typeof OUTCOMES)[number]): number {
  if (outcome !== 'under-way') return numberOf(line, outcome);
  return OUTCOMES.filter((one) => one !== 'under-way').reduce(
    (left, one) => left - numberOf(line, one),
    numberOf(line, 'sent'),
  );
}

export const percent = (rate: number | undefined): string =>
  rate === undefined ? '—' : `${(rate * 100).toFixed(rate > 0 && rate < 0.1 ? 1 : 0)}%`;
