import type { Bundle, Device } from 'fhir/r4';
import { ask } from '../client/client';
import { type Reading, useReading } from '../page/reading';

/** The shared equipment (`$equipment`). */

export const KINDS = [
  'ct',
  'mr',
  'dsa',
  'pet-ct',
  'pet-mr',
  'spect',
  'linac',
  'surgical-robot',
  'dr',
  'mammography',
  'ultrasound',
  'endoscope',
  'holter',
  'ventilator',
  'haemodialysis',
] as const;

export const KIND = 'https://yilian.example/fhir/CodeSystem/equipment-kind';
export const SHARED = 'https://yilian.example/fhir/StructureDefinition/shared-equipment';

export const kindOf = (device: Device): string =>
  device.type?.coding?.find((coding) => coding.system === KIND)?.code ?? '';

export const isShared = (device: Device): boolean =>
  device.extension?.some((one) => one.url === SHARED && one.valueBoolean === true) ?? false;

export const useEquipment = (asked: {
  kind?: string;
  organization?: string;
  shared?: string;
}): Reading<readonly Device[]> =>
  useReading(
    ['equipment', JSON.stringify(asked)],
    async (signal) => {
      const bundle = await ask<Bundle<Device>>('HealthcareService/$equipment', asked, signal);
      return (bundle.entry ?? []).flatMap((entry) => entry.resource ?? []);
    },
    { staleTime: 60_000 },
  );
