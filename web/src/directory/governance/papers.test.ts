import type { Contract, OrganizationAffiliation, Provenance, Task } from 'fhir/r4';
import { expect, test } from 'vitest';
import type { Person } from '../../access/person';
import { endingOf, keepsPapers, openNotice, readsPapers, stateOf } from './papers';

const DAY = '2026-11-23';
const member: OrganizationAffiliation = {
  resourceType: 'OrganizationAffiliation',
  id: 'a',
  active: true,
  period: { start: '2024-01-01' },
  participatingOrganization: { reference: 'Organization/1' },
};
const at = (institution: string, ...roles: Person['roles']): Person => ({
  sub: 'x',
  name: 'x',
  roles,
  patient: null,
  institution: institution ? { reference: `Organization/${institution}`, name: institution } : null,
});

test('papers are read at members and kept by the office of one', () => {
  expect(readsPapers(at('1', 'gp'), [member], DAY)).toBe(true);
  expect(keepsPapers(at('1', 'gp'), [member], DAY)).toBe(false);
  expect(keepsPapers(at('1', 'office'), [member], DAY)).toBe(true);
  expect(readsPapers(at('2', 'office'), [member], DAY)).toBe(false);
  expect(keepsPapers(at('', 'admin'), [member], DAY)).toBe(true);
  const left = { ...member, active: false, period: { start: '2024-01-01', end: '2026-11-22' } };
  expect(readsPapers(at('1', 'gp'), [left], DAY)).toBe(false);
});

test('an agreement says how it stands, its last day included', () => {
  const stands = (status: Contract['status'], end?: string) =>
    stateOf({ resourceType: 'Contract', ...(status ? { status } : {}), applies: end ? { end } : {} }, DAY);
  expect(stands('negotiable', '2026-01-01')).toBe('draft');
  expect(stands('executed')).toBe('in-force');
  expect(stands('executed', '2027-12-31')).toBe('in-force');
  expect(stands('executed', DAY)).toBe('ending');
  expect(stands('executed', '2026-11-22')).toBe('ended');
  expect(stands('terminated', '2026-11-22')).toBe('terminated');
});

test('the open notice and the resolution of a membership are found', () => {
  const task = { resourceType: 'Task', intent: 'order', status: 'requested' } as Task;
  const focus = { reference: 'OrganizationAffiliation/a' };
  expect(openNotice([{ ...task, focus: { reference: 'OrganizationAffiliation/ab' } }], member)).toBeUndefined();
  expect(openNotice([{ ...task, focus, status: 'completed' }], member)).toBeUndefined();
  expect(openNotice([{ ...task, focus }], member)?.status).toBe('requested');
  const why = (of: string) =>
    ({ resourceType: 'Provenance', target: [{ reference: of }], recorded: DAY, agent: [] }) as Provenance;
  expect(endingOf([why('OrganizationAffiliation/ab/_history/2')], member)).toBeUndefined();
  expect(endingOf([why('OrganizationAffiliation/a/_history/2')], member)).toBeDefined();
});
