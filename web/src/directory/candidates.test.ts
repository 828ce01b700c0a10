import type { Bundle, FhirResource } from 'fhir/r4';
import { expect, test } from 'vitest';
import { candidatesOf } from './candidates';

const bundle: Bundle<FhirResource> = {
  resourceType: 'Bundle',
  type: 'searchset',
  entry: [
    {
      resource: { resourceType: 'HealthcareService', id: 's', providedBy: { reference: 'Organization/heart' } },
      search: {
        mode: 'match',
        score: 0.8,
        extension: [
          {
            url: 'https://yilian.example/fhir/StructureDefinition/candidate',
            extension: [
              { url: 'institution', valueReference: { reference: 'Organization/first' } },
              { url: 'latitude', valueDecimal: 31.4 },
              { url: 'longitude', valueDecimal: 106.1 },
              { url: 'direct-booking', valueBoolean: true },
              { url: 'attachment', valueCode: 'ecg' },
              {
                url: 'reason',
                extension: [
                  { url: 'code', valueCode: 'way' },
                  { url: 'zh', valueString: '约 12 公里' },
                  { url: 'en', valueString: 'About 12 km' },
                ],
              },
            ],
          },
        ],
      },
    },
    { resource: { resourceType: 'Organization', id: 'first', name: '市一院' }, search: { mode: 'include' } },
  ],
};

test('a candidate is told with whose it is, its reasons and what it asks for', () => {
  const [one, ...others] = candidatesOf(bundle);
  expect(others).toEqual([]);
  expect(one?.organization.name).toBe('市一院');
  expect(one?.reasons).toEqual([{ code: 'way', text: { zh: '约 12 公里', en: 'About 12 km' } }]);
  expect(one).toMatchObject({ latitude: 31.4, longitude: 106.1, directBooking: true, attachments: ['ecg'] });
});

test('an answer without candidates is none', () => {
  expect(candidatesOf({ resourceType: 'Bundle', type: 'searchset' })).toEqual([]);
});
