import type { HealthcareService } from 'fhir/r4';
import { describe, expect, test } from 'vitest';
import { settingsOf, withSettings } from './settings';

const service: HealthcareService = {
  resourceType: 'HealthcareService',
  extension: [{ url: 'https://elsewhere.example/x', valueString: 'kept' }],
};

describe('what a service asks of referrals', () => {
  test('is nothing special where it says nothing', () => {
    expect(settingsOf(service)).toEqual({
      accepts: ['up', 'down', 'lateral'],
      needsApproval: false,
      directBooking: false,
      attachments: [],
    });
  });

  test('is read as it was written, and other extensions stay', () => {
    const settings = {
      accepts: ['up'],
      needsApproval: true,
      directBooking: true,
      attachments: ['ecg', 'imaging'],
    } as const;
    const written = withSettings(withSettings(service, { ...settings, attachments: [] }), settings);
    expect(settingsOf(written)).toEqual(settings);
    expect(written.extension).toHaveLength(2);
    expect(written.extension?.[0]).toEqual(service.extension?.[0]);
  });
});
