import type { Appointment } from 'fhir/r4';

const BASE = 'https://yilian.example/fhir/';
const FREE = `${BASE}StructureDefinition/places-free`;
const RESERVED = `${BASE}StructureDefinition/places-reserved`;
const KIND = `${BASE}CodeSystem/booking-kind`;

/** A slot with places, out of what `Appointment/$find` proposes. */
export interface FreePlace {
  /** "Slot/…" */
  readonly slot: string;
  readonly start: string;
  /** The doctor, device or room, as it is called. */
  readonly who: string;
  readonly kind: string;
  readonly free: number;
  /** Of these, how many are still kept for the grassroots or for emergencies. */
  readonly reserved: number;
}

export function freePlaces(proposed: readonly Appointment[]): FreePlace[] {
  return proposed.flatMap((one) => {
    const slot = one.slot?.[0]?.reference;
    if (!slot || !one.start) return [];
    const number = (url: string) => {
      const found = one.extension?.find((extension) => extension.url === url);
      return found?.valueUnsignedInt ?? found?.valuePositiveInt ?? found?.valueInteger ?? 0;
    };
    const kinds = [
      ...(one.serviceCategory ?? []),
      ...(one.serviceType ?? []),
      ...(one.appointmentType ? [one.appointmentType] : []),
    ];
    const kind = kinds.flatMap((concept) => concept.coding ?? []).find((coding) => coding.system === KIND)?.code ?? '';
    const actor = one.participant.find((participant) => !participant.actor?.reference?.startsWith('Patient/'))?.actor;
    return [
      { slot, start: one.start, who: actor?.display ?? '', kind, free: number(FREE), reserved: number(RESERVED) },
    ];
  });
}
