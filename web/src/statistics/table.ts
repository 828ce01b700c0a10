import type { MeasureReport, MeasureReportGroupStratifierStratum } from 'fhir/r4';

/** A MeasureReport of two ways to divide, as the table it is. Pure. */

/** `null`: withheld. */
export type Figure = number | null;

export interface Row {
  name: string;
  /** In the order of the columns. */
  figures: Figure[];
  total: Figure;
}

export interface Table {
  byRow: string;
  columns: string[];
  rows: Row[];
  /** Of the columns; absent where they do not add up: somebody stands in several rows. */
  totals?: Figure[];
  total?: Figure;
  /** Numbers below this are withheld. */
  least: number;
  /** `2026-01-01`; the same for a table of one day. */
  since: string;
  until: string;
}

const MEASURE = 'https://yilian.example/fhir/Measure/';
const LEAST = 'https://yilian.example/fhir/StructureDefinition/smallest-cell';

/** Tables there are, in the order they are offered; `dated` ones are of a year. */
export const TABLES = [
  { code: 'residents', dated: false },
  { code: 'diagnoses', dated: false },
  { code: 'encounters', dated: true },
  { code: 'referrals', dated: true },
] as const;

export type TableCode = (typeof TABLES)[number]['code'];

export const measureOf = (code: TableCode): string => `${MEASURE}${code}`;

const figureOf = (population: { count?: number | undefined }[] | undefined): Figure => population?.[0]?.count ?? null;

const partsOf = (stratum: MeasureReportGroupStratifierStratum) =>
  (stratum.component ?? []).map((part) => ({ what: part.code.text ?? '', name: part.value.text ?? '' }));

export function tableOf(report: MeasureReport): Table {
  const group = report.group?.[0];
  const strata = (group?.stratifier?.[0]?.stratum ?? []).map((stratum) => ({
    parts: partsOf(stratum),
    figure: figureOf(stratum.population),
  }));
  const cells = strata.filter(({ parts }) => parts.length === 2);
  const byRow = cells[0]?.parts[0]?.what ?? '';
  const columns = [...new Set(cells.map(({ parts }) => parts[1]?.name ?? ''))];
  const rows = new Map<string, Row>();
  for (const { parts, figure } of cells) {
    const name = parts[0]?.name ?? '';
    const row = rows.get(name) ?? { name, figures: [], total: null };
    row.figures.push(figure);
    rows.set(name, row);
  }
  const totals: Figure[] = [];
  for (const { parts, figure } of strata) {
    const [one] = parts;
    if (parts.length !== 1 || !one) continue;
    const row = one.what === byRow ? rows.get(one.name) : undefined;
    if (row) row.total = figure;
    else totals.push(figure);
  }
  return {
    byRow,
    columns,
    rows: [...rows.values()],
    ...(totals.length > 0 ? { totals } : {}),
    ...(group?.population ? { total: figureOf(group.population) } : {}),
    least: report.extension?.find((one) => one.url === LEAST)?.valueInteger ?? 1,
    since: report.period.start ?? '',
    until: report.period.end ?? '',
  };
}

/** Whether anything is withheld, so that the page has to say why. */
export const isWithheld = (table: Table): boolean =>
  table.total === null ||
  (table.totals ?? []).includes(null) ||
  table.rows.some((row) => row.total === null || row.figures.includes(null));

export const isEmpty = (table: Table): boolean => table.rows.every((row) => row.total === 0);
