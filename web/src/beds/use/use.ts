import type { Parameters, ParametersParameter } from 'fhir/r4';
import { ask } from '../../client/client';

/** 床位使用率 and 日间手术占比 (`Location/$bed-use`, `Location/$day-surgery`) as the page has them. */

export const BY = ['ward', 'institution'] as const;
export type By = (typeof BY)[number];

/** beds, occupied: bed days; rate and share of 1; undefined where nothing was open. */
export interface Use {
  key: string;
  name: string;
  day: string;
  beds: number;
  occupied: number;
  days: number;
  discharged: number;
  rate: number | undefined;
  turnover: number | undefined;
}

export interface Surgery {
  elective: number;
  day: number;
  target: number;
  share: number | undefined;
}

type Parts = readonly ParametersParameter[];
const find = (parts: Parts, name: string) => parts.find((part) => part.name === name);
const number = (parts: Parts, name: string): number | undefined => {
  const found = find(parts, name);
  const value = found?.valueInteger ?? found?.valueDecimal;
  return value === undefined ? undefined : Number(value);
};

export const usesOf = ({ parameter = [] }: Parameters): Use[] =>
  parameter
    .filter(({ name }) => name === 'group')
    .map(({ part = [] }) => {
      const where = find(part, 'ward')?.valueReference ?? find(part, 'institution')?.valueReference;
      const day = find(part, 'day')?.valueDate ?? '';
      return {
        key: `${where?.reference ?? ''} ${day}`,
        name: where?.display ?? '',
        day,
        beds: number(part, 'beds') ?? 0,
        occupied: number(part, 'occupied') ?? 0,
        days: number(part, 'days') ?? 0,
        discharged: number(part, 'discharged') ?? 0,
        rate: number(part, 'rate'),
        turnover: number(part, 'turnover'),
      };
    });

export const surgeryOf = ({ parameter = [] }: Parameters): Surgery => ({
  elective: number(parameter, 'elective') ?? 0,
  day: number(parameter, 'day') ?? 0,
  target: number(parameter, 'target') ?? 0,
  share: number(parameter, 'share'),
});

interface Period {
  start: string;
  end: string;
}

export const bedUse = async (
  asked: Period & { by: By | 'day'; institution?: string },
  signal: AbortSignal,
): Promise<Use[]> => usesOf(await ask<Parameters>('Location/$bed-use', { ...asked }, signal));

export const daySurgery = async (asked: Period, signal: AbortSignal): Promise<Surgery> =>
  surgeryOf(await ask<Parameters>('Location/$day-surgery', { ...asked }, signal));

/** 76.3% */
export const percent = (share: number | undefined): string =>
  share === undefined ? '—' : `${(Math.round(share * 1000) / 10).toLocaleString('zh-CN')}%`;
