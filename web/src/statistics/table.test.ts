import type { MeasureReport } from 'fhir/r4';
import { expect, test } from 'vitest';
import { isEmpty, isWithheld, tableOf } from './table';

const population = (count: number | null) => [
  count === null
    ? {
        _count: {
          extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }],
        },
      }
    : { count },
];
const stratum = (count: number | null, ...by: [string, string][]) => ({
  component: by.map(([what, name]) => ({ code: { text: what }, value: { text: name } })),
  population: population(count),
});

const report = (strata: object[], total?: number | null): MeasureReport =>
  ({
    resourceType: 'MeasureReport',
    status: 'complete',
    type: 'summary',
    measure: 'https://yilian.example/fhir/Measure/referrals',
    period: { start: '2026-01-01', end: '2026-10-31' },
    extension: [{ url: 'https://yilian.example/fhir/StructureDefinition/smallest-cell', valueInteger: 5 }],
    group: [{ stratifier: [{ stratum: strata }], ...(total === undefined ? {} : { population: population(total) }) }],
  }) as MeasureReport;

test('strata become rows and columns, and those of one way to divide their totals', () => {
  const table = tableOf(
    report(
      [
        stratum(null, ['机构', '青石镇卫生院'], ['方向', '上转']),
        stratum(0, ['机构', '青石镇卫生院'], ['方向', '下转']),
        stratum(null, ['机构', '青石镇卫生院']),
        stratum(21, ['机构', '柳河镇卫生院'], ['方向', '上转']),
        stratum(7, ['机构', '柳河镇卫生院'], ['方向', '下转']),
        stratum(28, ['机构', '柳河镇卫生院']),
        stratum(null, ['方向', '上转']),
        stratum(7, ['方向', '下转']),
      ],
      null,
    ),
  );
  expect(table).toEqual({
    byRow: '机构',
    columns: ['上转', '下转'],
    rows: [
      { name: '青石镇卫生院', figures: [null, 0], total: null },
      { name: '柳河镇卫生院', figures: [21, 7], total: 28 },
    ],
    totals: [null, 7],
    total: null,
    least: 5,
    since: '2026-01-01',
    until: '2026-10-31',
  });
  expect(isWithheld(table)).toBe(true);
  expect(isEmpty(table)).toBe(false);
});

test('a table whose columns do not add up has no totals of them', () => {
  const table = tableOf(
    report([stratum(9, ['疾病分类', '肿瘤'], ['年龄', '0～6岁']), stratum(9, ['疾病分类', '肿瘤'])]),
  );
  expect(table.totals).toBeUndefined();
  expect(table.total).toBeUndefined();
  expect(isWithheld(table)).toBe(false);
});

test('nobody anywhere is an empty table', () => {
  expect(isEmpty(tableOf(report([], 0)))).toBe(true);
});
