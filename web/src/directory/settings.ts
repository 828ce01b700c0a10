import type { Extension, HealthcareService } from 'fhir/r4';

/** What a service asks of those who refer to it (`urls.REFERRAL_SETTINGS`; the server's `directory/offers.py`). */

export const SETTINGS = 'https://yilian.example/fhir/StructureDefinition/service-referral-settings';
export const DIRECTIONS = ['up', 'down', 'lateral'] as const;
export const ATTACHMENTS = ['laboratory', 'imaging', 'ecg', 'discharge', 'medication', 'consent'] as const;
export type Direction = (typeof DIRECTIONS)[number];

export interface Settings {
  readonly accepts: readonly Direction[];
  readonly needsApproval: boolean;
  readonly directBooking: boolean;
  readonly attachments: readonly string[];
}

export function settingsOf(service: HealthcareService): Settings {
  const parts = service.extension?.find((one) => one.url === SETTINGS)?.extension ?? [];
  const codes = (url: string) => parts.filter((part) => part.url === url).flatMap((part) => part.valueCode ?? []);
  const flag = (url: string) => parts.some((part) => part.url === url && part.valueBoolean === true);
  const accepts = codes('accepts');
  return {
    accepts: DIRECTIONS.filter((one) => accepts.length === 0 || accepts.includes(one)),
    needsApproval: flag('needsApproval'),
    directBooking: flag('directBooking'),
    attachments: codes('attachment'),
  };
}

export function withSettings(service: HealthcareService, settings: Settings): HealthcareService {
  const said: Extension = {
    url: SETTINGS,
    extension: [
      ...settings.accepts.map((one) => ({ url: 'accepts', valueCode: one })),
      { url: 'needsApproval', valueBoolean: settings.needsApproval },
      { url: 'directBooking', valueBoolean: settings.directBooking },
      ...settings.attachments.map((one) => ({ url: 'attachment', valueCode: one })),
    ],
  };
  return { ...service, extension: [...(service.extension ?? []).filter((one) => one.url !== SETTINGS), said] };
}
