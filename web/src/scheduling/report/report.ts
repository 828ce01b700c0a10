import type { Parameters, ParametersParameter } from 'fhir/r4';

/** Schedule/$pool-report as the table it is. Pure. */

export interface Places {
  places: number;
  stopped: number;
  released: number;
  reserved: number;
  taken: number;
  reservedUsed: number;
  byGrassroots: number;
  missed: number;
}

/** A share of 1 beside what is asked for; undefined where there is nothing of it. */
export interface Target {
  share?: number;
  least?: number;
  reached?: boolean;
}

export interface Line {
  reference: string;
  name: string;
  tier: string;
  all: Places;
  kinds: { kind: string; of: Places }[];
  visits: number;
  booked: number;
  released: Target;
  reserved: Target;
  reservedExpert: Target;
  booking: Target;
}

export const TARGETS = ['released', 'reserved', 'reservedExpert', 'booking'] as const;

type Parts = readonly ParametersParameter[];
const find = (parts: Parts, name: string) => parts.find((part) => part.name === name);
const number = (parts: Parts, name: string): number => find(parts, name)?.valueInteger ?? 0;

const placesOf = (parts: Parts): Places => ({
  places: number(parts, 'places'),
  stopped: number(parts, 'stopped'),
  released: number(parts, 'released'),
  reserved: number(parts, 'reserved'),
  taken: number(parts, 'taken'),
  reservedUsed: number(parts, 'reserved-used'),
  byGrassroots: number(parts, 'by-grassroots'),
  missed: number(parts, 'missed'),
});

function targetOf(parts: Parts): Target {
  const [share, least, reached] = [find(parts, 'share'), find(parts, 'least'), find(parts, 'reached')];
  return {
    ...(share?.valueDecimal === undefined ? {} : { share: Number(share.valueDecimal) }),
    ...(least?.valueDecimal === undefined ? {} : { least: Number(least.valueDecimal) }),
    ...(reached?.valueBoolean === undefined ? {} : { reached: reached.valueBoolean }),
  };
}

export function linesOf({ parameter = [] }: Parameters): Line[] {
  return parameter
    .filter(({ name }) => name === 'institution')
    .map(({ part = [] }) => {
      const of = find(part, 'reference')?.valueReference;
      return {
        reference: of?.reference ?? '',
        name: of?.display ?? '',
        tier: find(part, 'tier')?.valueCoding?.code ?? '',
        all: placesOf(find(part, 'all')?.part ?? []),
        kinds: part
          .filter(({ name }) => name === 'kind')
          .map((one) => ({
            kind: find(one.part ?? [], 'code')?.valueCode ?? '',
            of: placesOf(one.part ?? []),
          })),
        visits: number(part, 'visits'),
        booked: number(part, 'booked'),
        released: targetOf(find(part, 'released')?.part ?? []),
        reserved: targetOf(find(part, 'reserved')?.part ?? []),
        reservedExpert: targetOf(find(part, 'reserved-expert')?.part ?? []),
        booking: targetOf(find(part, 'booking')?.part ?? []),
      };
    });
}

/** 31.3 % */
export const percent = (share: number): string => `${(Math.round(share * 1000) / 10).toLocaleString('zh-CN')} %`;

/** The first and last day of a month, `2026-12`. */
export function monthOf(text: string): { start: string; end: string } {
  const [year = 2026, month = 1] = text.split('-').map(Number);
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return { start: `${text}-01`, end: `${text}-${String(last).padStart(2, '0')}` };
}
