import { describe, expect, it } from 'vitest';
import { asked, nextRule, outlooksOf, POOLS, RULED, type Rule, toldOf, wrong } from './rules';

const rule: Rule = { kind: 'clinic', pool: 'grassroots', share: 30, opensDays: 14, anchor: 'release', hours: 48 };
const parts = [
  { name: 'kind', valueCode: 'clinic' },
  { name: 'pool', valueCode: 'grassroots' },
  { name: 'share', valueDecimal: 0.3 },
  { name: 'opens-days', valueInteger: 14 },
  { name: 'anchor', valueCode: 'release' },
  { name: 'hours', valueDecimal: 48 },
];

describe('the rules of the pools', () => {
  it('are read as they were told', () => {
    const told = toldOf({
      resourceType: 'Parameters',
      parameter: [
        {
          name: 'holds',
          part: [
            { name: 'since', valueDate: '2026-12-01' },
            { name: 'own', valueBoolean: true },
            { name: 'release-at', valueTime: '07:00:00' },
            { name: 'release-days', valueInteger: 7 },
            { name: 'rule', part: parts },
          ],
        },
      ],
    });
    expect(told.holds[0]).toMatchObject({ since: '2026-12-01', own: true, releaseAt: '07:00', rules: [rule] });
  });

  it('are sent as they are read, with a source only to be saved', () => {
    const draft = { since: '2026-12-01', source: ' 院发 1 号 ', releaseDays: 7, releaseAt: '07:00', rules: [rule] };
    const { parameter = [] } = asked(draft, true);
    expect(parameter.find(({ name }) => name === 'rule')?.resource).toEqual({
      resourceType: 'Parameters',
      parameter: parts,
    });
    expect(parameter.at(-1)).toEqual({ name: 'source', valueString: '院发 1 号' });
    expect(asked(draft, false).parameter?.some(({ name }) => name === 'source')).toBe(false);
  });

  it('are wrong with two for one pool, or more than the whole', () => {
    expect(wrong([rule])).toBe(false);
    expect(wrong([rule, rule])).toBe(true);
    expect(wrong([rule, { ...rule, pool: 'emergency', share: 71 }])).toBe(true);
    expect(wrong([rule, { ...rule, kind: 'expert', share: 80 }])).toBe(false);
  });

  it('are added for what has none', () => {
    expect(nextRule([rule])).toMatchObject({ kind: 'clinic', pool: 'family-doctor' });
    expect(nextRule(RULED.flatMap((kind) => POOLS.map((pool) => ({ ...rule, kind, pool }))))).toBeUndefined();
  });

  it('tell what would be kept', () => {
    const part = [
      { name: 'date', valueDate: '2026-12-01' },
      { name: 'kind', valueCode: 'clinic' },
      { name: 'places', valueInteger: 10 },
      { name: 'now-public', valueInteger: 7 },
      { name: 'now-grassroots', valueInteger: 3 },
      { name: 'then-public', valueInteger: 5 },
    ];
    const [found] = outlooksOf({ resourceType: 'Parameters', parameter: [{ name: 'day', part }] });
    expect(found).toMatchObject({ now: 3, later: 5, places: 10 });
  });
});
