import type { Consent, Parameters } from 'fhir/r4';
import { ask, create, search, update } from '../client/client';

/** Consents as the server keeps them (`access/consent_terms.py`): what they say, and how they are written. */

const SENSITIVITY = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const REASON = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
const SCOPE = 'http://terminology.hl7.org/CodeSystem/consentscope';
const PART = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';

/** One label for each kind of sensitive data. */
export const KINDS = ['PSY', 'HIV', 'GDIS', 'SEX', 'SDV'] as const;
export type Kind = (typeof KINDS)[number];

export interface Wish {
  way: 'permit' | 'deny';
  /** Logical id of the Organization; '' for all. */
  institution: string;
  institutionName: string;
  kinds: readonly Kind[];
  /** Last day, '' for open end. */
  end: string;
  /** Of a refusal: in emergencies too. */
  emergency: boolean;
}

export function consentOf(patient: string, wish: Wish): Consent {
  const purposes = wish.way === 'deny' && wish.emergency ? ['TREAT', 'HOPERAT', 'ETREAT'] : [];
  return {
    resourceType: 'Consent',
    status: 'active',
    scope: { coding: [{ system: SCOPE, code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }], text: '健康档案查阅授权' }],
    patient: { reference: patient },
    performer: [{ reference: patient }],
    dateTime: new Date().toISOString(),
    policyRule: { text: '居民健康档案查阅授权' },
    provision: {
      type: wish.way,
      ...(wish.end ? { period: { end: wish.end } } : {}),
      ...(wish.institution
        ? {
            actor: [
              {
                role: { coding: [{ system: PART, code: 'IRCP' }] },
                reference: { reference: `Organization/${wish.institution}`, display: wish.institutionName },
              },
            ],
          }
        : {}),
      ...(purposes.length ? { purpose: purposes.map((code) => ({ system: REASON, code })) } : {}),
      ...(wish.kinds.length ? { securityLabel: wish.kinds.map((code) => ({ system: SENSITIVITY, code })) } : {}),
    },
  };
}

export const kindsOf = (consent: Consent): Kind[] =>
  KINDS.filter((kind) => consent.provision?.securityLabel?.some((label) => label.code === kind));

export const institutionsOf = (consent: Consent): string[] =>
  (consent.provision?.actor ?? []).map((actor) => actor.reference.display ?? '').filter(Boolean);

export const namesEmergencies = (consent: Consent): boolean =>
  Boolean(consent.provision?.purpose?.some((purpose) => purpose.code === 'ETREAT'));

export type Standing = 'active' | 'over' | 'ended';

export function standing(consent: Consent, today: string): Standing {
  if (consent.status !== 'active') return 'ended';
  const end = consent.provision?.period?.end?.slice(0, 10);
  return end && end < today ? 'over' : 'active';
}

/** An institution that may look just now, and why. */
export interface Seer {
  name: string;
  grounds: { kind: string; until: string }[];
  refused: boolean;
  sensitive: boolean;
}

export async function readSeers(patient: string, signal: AbortSignal): Promise<Seer[]> {
  const answer = await ask<Parameters>(`${patient}/$grounds`, {}, signal);
  const found = new Map<string, Seer>();
  for (const one of answer.parameter ?? []) {
    const part = (name: string) => one.part?.find((inside) => inside.name === name);
    const whom = part('institution')?.valueReference;
    const before = found.get(whom?.reference ?? '');
    const ground = { kind: part('kind')?.valueCode ?? '', until: part('until')?.valueInstant ?? '' };
    const refused = part('refused')?.valueBoolean ?? false;
    found.set(whom?.reference ?? '', {
      name: whom?.display ?? '',
      grounds: [...(before?.grounds ?? []), ground],
      refused: refused && (before?.refused ?? true),
      sensitive: (part('sensitive')?.valueBoolean ?? false) || (before?.sensitive ?? false),
    });
  }
  return [...found.values()];
}

export const readConsents = async (patient: string, signal: AbortSignal): Promise<readonly Consent[]> =>
  (await search<Consent>('Consent', { patient, _sort: '-_lastUpdated', _count: 100 }, signal)).matches;

export const give = (patient: string, wish: Wish): Promise<Consent> => create(consentOf(patient, wish));
export const withdraw = (consent: Consent): Promise<Consent> => update({ ...consent, status: 'inactive' });
