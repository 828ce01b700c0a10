import { describe, expect, it } from 'vitest';
import { bedOf, dayOfStay, rooms } from './beds';

describe('beds', () => {
  it('reads a bed, who lies there and for whom it is kept', () => {
    const bed = bedOf({
      name: 'bed',
      part: [
        { name: 'location', valueReference: { reference: 'Location/b1', display: '心血管内科01床' } },
        { name: 'state', valueCode: 'held' },
        { name: 'kind', valueCoding: { code: 'isolation' } },
        { name: 'number', valueString: '01' },
        {
          name: 'hold',
          part: [
            { name: 'until', valueInstant: '2026-11-22T10:00:00.000+00:00' },
            { name: 'kept', valueBoolean: true },
            { name: 'patient', valueReference: { reference: 'Patient/p1', display: '李秀英' } },
          ],
        },
      ],
    });
    expect([bed.id, bed.number, bed.state, bed.kind, bed.patient]).toEqual([
      'b1',
      '01',
      'held',
      'isolation',
      undefined,
    ]);
    expect(bed.hold).toMatchObject({ kept: true, patient: { id: 'p1', name: '李秀英' } });
  });

  it('takes the name where there is no number', () => {
    expect(bedOf({ name: 'bed', part: [{ name: 'location', valueReference: { display: '加1' } }] }).number).toBe('加1');
  });

  it('counts the day of admission as the first', () => {
    expect(dayOfStay('2026-11-22', '2026-11-22')).toBe(1);
    expect(dayOfStay('2026-11-22', '2026-11-25')).toBe(4);
    expect(dayOfStay('2026-11-26', '2026-11-25')).toBe(1);
  });

  it('keeps beds together by room, in their order', () => {
    const bed = (id: string, room: string) => ({ ...bedOf({ name: 'bed', part: [] }), id, room });
    const found = rooms([bed('a', '01 室'), bed('b', '02 室'), bed('c', '01 室')]);
    expect(found.map(([room, beds]) => [room, beds.map((one) => one.id)])).toEqual([
      ['01 室', ['a', 'c']],
      ['02 室', ['b']],
    ]);
  });
});
