import type { DocumentReference } from 'fhir/r4';
import { expect, test } from 'vitest';
import { HANDOVER_DOCUMENT } from '../systems';
import { paperOf } from './handover';

const document = (code: string, system = HANDOVER_DOCUMENT): DocumentReference => ({
  resourceType: 'DocumentReference',
  id: 'd1',
  status: 'current',
  category: [{ coding: [{ system, code }] }],
  description: '转诊交接文书',
  custodian: { display: '青石镇卫生院' },
  date: '2026-11-23T09:30:00+08:00',
  content: [],
});

test('a document is named by its kind, with whose it is and when it was made', () => {
  expect(paperOf(document('transfer'))).toEqual({
    id: 'd1',
    kind: 'transfer',
    title: '转诊交接文书',
    of: '青石镇卫生院',
    made: '2026-11-23T09:30:00+08:00',
  });
});

test('a kind the pages do not know, or of another system, keeps the title it has', () => {
  expect(paperOf(document('spaceship')).kind).toBeNull();
  expect(paperOf(document('in', 'urn:other')).kind).toBeNull();
  expect(paperOf(document('spaceship')).title).toBe('转诊交接文书');
});
