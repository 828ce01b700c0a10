import type { Schedule } from 'fhir/r4';
import { describe, expect, it } from 'vitest';
import { exceptionsOf, newException, newRow, outlookOf, rowsOf, stoppedOf, withTemplate } from './template';

const plain: Schedule = { resourceType: 'Schedule', actor: [{ reference: 'PractitionerRole/x' }] };

describe('the template of a schedule', () => {
  it('comes back as it went in', () => {
    const rows = [
      newRow(),
      { ...newRow(), from: '14:00', to: '00:00', since: '2026-12-01', until: '', holidays: true },
    ];
    const exceptions = [
      { ...newException('leave', '2026-12-07'), reason: '进修' },
      newException('extra', '2026-12-12'),
    ];
    const made = withTemplate(plain, rows, exceptions);
    expect(rowsOf(made)).toEqual(rows);
    expect(exceptionsOf(made)).toMatchObject(exceptions.map(({ kind, since, reason }) => ({ kind, since, reason })));
  });

  it('leaves other extensions alone and no empty list behind', () => {
    const other = { url: 'https://yilian.example/fhir/StructureDefinition/schedule-share' };
    expect(withTemplate({ ...plain, extension: [other] }, [newRow()], []).extension?.[0]).toEqual(other);
    expect(withTemplate(withTemplate(plain, [newRow()], []), [], [])).toEqual(plain);
  });

  it('reads what would become of its slots', () => {
    const outlook = outlookOf({
      resourceType: 'Parameters',
      parameter: [
        { name: 'same', valueInteger: 3 },
        { name: 'remove', part: [{ name: 'start', valueInstant: '2026-12-02T08:00:00+08:00' }] },
        { name: 'make', part: [{ name: 'start', valueInstant: '2026-12-01T08:00:00+08:00' }] },
        { name: 'unknown-year', valueInteger: 2027 },
      ],
    });
    expect(outlook.times.map(({ fate }) => fate)).toEqual(['make', 'remove']);
    expect([outlook.same, outlook.unknownYears]).toEqual([3, [2027]]);
  });

  it('lists whom a stop concerns, with and without somewhere to go', () => {
    const { rows, next } = stoppedOf({
      resourceType: 'Parameters',
      parameter: [
        { name: 'appointment', part: [{ name: 'patient', valueReference: { display: '李秀英' } }] },
        {
          name: 'appointment',
          part: [
            {
              name: 'proposal',
              part: [
                { name: 'with', valueString: '沈立新' },
                { name: 'same', valueBoolean: true },
              ],
            },
          ],
        },
        { name: 'next', valueString: 'abc' },
      ],
    });
    expect(rows[0]).toMatchObject({ name: '李秀英', proposal: null });
    expect(rows[1]?.proposal).toMatchObject({ with: '沈立新', same: true });
    expect(next).toBe('abc');
  });
});
