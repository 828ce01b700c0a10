import type { Parameters, ParametersParameter } from 'fhir/r4';
import { operate } from '../client/client';

/** The health card as the server shows it (`Patient/{id}/$card`). */
export interface ShownCard {
  /** The QR code as an address for an image. */
  picture: string;
  /** Seconds the code is good for from the moment it was made. */
  life: number;
  number: string;
  issued: string;
  /** Hours an institution that scans it may read the record. */
  opens: number;
  /** `performance.now()` when it ends: the phone's own clock may be wrong. */
  endsAt: number;
}

const part = (answer: Parameters, name: string): ParametersParameter | undefined =>
  answer.parameter?.find((one) => one.name === name);

/** A fresh code. `apply`: with a new card where there is none. */
export async function freshCode(patient: string, apply: boolean): Promise<ShownCard> {
  const asked = performance.now();
  const answer = await operate(`${patient}/$card`, {
    resourceType: 'Parameters',
    parameter: [{ name: 'apply', valueBoolean: apply }],
  });
  const life = part(answer, 'life')?.valueInteger ?? 0;
  return {
    picture: `data:image/svg+xml;base64,${part(answer, 'qr')?.valueAttachment?.data ?? ''}`,
    life,
    number: part(answer, 'card')?.valueString ?? '',
    issued: part(answer, 'issued')?.valueInstant ?? '',
    opens: part(answer, 'opens')?.valueInteger ?? 0,
    endsAt: asked + life * 1000,
  };
}

export async function withdrawCard(patient: string): Promise<void> {
  await operate(`${patient}/$withdraw-card`, { resourceType: 'Parameters' });
}

/** Seconds before its end that a code is replaced: somebody may just be holding it under a scanner. */
export const earlier = (card: ShownCard): number => Math.max(card.life / 4, 1);

/** Whole seconds until the code is replaced, 0 when it is time. */
export const untilRenewal = (card: ShownCard, now: number): number =>
  Math.max(0, Math.ceil((card.endsAt - now) / 1000 - earlier(card)));

export const isOver = (card: ShownCard, now: number): boolean => now >= card.endsAt;

/** `1234 5678 9012 3456`: to be read out. */
export const spaced = (number: string): string => number.replace(/(.{4})(?=.)/g, '$1 ');
