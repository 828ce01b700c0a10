import type { OrganizationAffiliation } from 'fhir/r4';
import { describe, expect, test } from 'vitest';
import { holds, inOrder, ROLE } from './memberships';

const member = (name: string, start: string, end?: string, role = 'member'): OrganizationAffiliation => ({
  resourceType: 'OrganizationAffiliation',
  active: end === undefined,
  period: { start, ...(end ? { end } : {}) },
  participatingOrganization: { display: name },
  code: [{ coding: [{ system: ROLE, code: role }] }],
});

describe('a membership', () => {
  test('holds from its first to its last day', () => {
    const one = member('甲', '2024-01-01', '2024-06-30');
    expect([
      holds(one, '2023-12-31'),
      holds(one, '2024-01-01'),
      holds(one, '2024-06-30'),
      holds(one, '2024-07-01'),
    ]).toEqual([false, true, true, false]);
    expect(holds(member('乙', '2024-01-01'), '2030-01-01')).toBe(true);
  });

  test('that was taken back never held', () => {
    expect(holds({ ...member('甲', '2024-01-01'), active: false }, '2024-02-01')).toBe(false);
  });

  test('the lead comes first and who has left comes last', () => {
    const all = [
      member('甲', '2020-01-01', '2021-01-01'),
      member('丙', '2020-01-01'),
      member('乙', '2020-01-01', undefined, 'lead'),
    ];
    expect(inOrder(all, '2026-01-01').map((one) => one.participatingOrganization?.display)).toEqual(['乙', '丙', '甲']);
  });
});
