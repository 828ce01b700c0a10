import { describe, expect, test } from 'vitest';
import { messageOf, pageOf, settingsOf } from './message';

const ENTRY = 'https://yilian.example/fhir/StructureDefinition/message-';

describe('a message', () => {
  test('leads to the page of what it is about', () => {
    expect(pageOf('Task/1')).toBe('/referrals/1');
    expect(pageOf('Patient/1')).toBe('/patients/1');
    expect([pageOf('Task/1', 'referral.rate'), pageOf('Appointment/1')]).toEqual(['/rate/1', '/bookings']);
    expect(pageOf('Appointment/1', 'booking.reminder-ward', 'child')).toBe('/bookings?patient=child');
    expect(pageOf('Organization/1', 'consortium.rectify')).toBe('/consortia?of=1');
    expect([pageOf('Location/1'), pageOf(undefined), pageOf('Task/')]).toEqual(['', '', '']);
  });

  test('without a ground has its title and nothing else', () => {
    const message = messageOf({
      resourceType: 'Communication',
      id: 'message-7',
      status: 'completed',
      topic: { text: '转诊已超时', coding: [{ code: 'referral.overdue' }] },
      payload: [{ contentString: '转诊已超时' }],
      extension: [
        { url: `${ENTRY}unread`, valueBoolean: true },
        { url: `${ENTRY}times`, valueInteger: 3 },
      ],
    });
    expect(message).toMatchObject({ title: '转诊已超时', text: '', to: '', unread: true, times: 3, post: '' });
  });

  test('settings are read', () => {
    const settings = settingsOf({
      resourceType: 'Parameters',
      parameter: [
        {
          name: 'choice',
          part: [
            { name: 'kind', valueCode: 'referral' },
            { name: 'channel', valueCode: 'sms' },
            { name: 'wanted', valueBoolean: true },
            { name: 'fixed', valueBoolean: true },
          ],
        },
        {
          name: 'quiet',
          part: [
            { name: 'hours', valueString: '22:00-07:00' },
            { name: 'own', valueBoolean: false },
          ],
        },
      ],
    });
    expect(settings.choices).toEqual([{ kind: 'referral', channel: 'sms', wanted: true, fixed: true }]);
    expect([settings.quiet, settings.quietIsOwn]).toEqual(['22:00-07:00', false]);
  });
});
