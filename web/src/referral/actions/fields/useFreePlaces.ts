import type { Appointment } from 'fhir/r4';
import { useState } from 'react';
import { ask, pageOf } from '../../../client/client';
import { dateTime } from '../../../fhir/dates';
import type { Translate } from '../../../locale/locale';
import { useReading } from '../../../page/reading';
import { type FreePlace, freePlaces } from './places';

export const DAYS_AHEAD = 28;
const MOST = 200;

interface Sought {
  /** "Organization/…" whose places they are; empty: none are asked for. */
  organization: string;
  specialty: string;
  kind: 'doctor' | 'examination';
  /** "Task/…" that opens its pools: the grassroots' and the emergencies'. */
  referral?: string;
  /** "Patient/…", where there is no referral yet: the pools of who asks for this patient. */
  patient?: string;
}

/** The free places of one kind at an institution, as they are open to a referral or to who writes one. */
export function useFreePlaces({ organization, specialty, kind, referral, patient }: Sought) {
  const [now] = useState(() => new Date());
  const until = new Date(now.getTime() + DAYS_AHEAD * 86_400_000);
  return useReading(
    ['places', referral ?? patient ?? '', organization, kind, specialty],
    async (signal) =>
      freePlaces(
        pageOf<Appointment>(
          await ask(
            'Appointment/$find',
            {
              start: now.toISOString(),
              end: until.toISOString(),
              organization,
              specialty: kind === 'doctor' ? specialty : undefined,
              'visit-type': kind === 'examination' ? 'examination' : undefined,
              referral,
              'patient-reference': patient,
              _count: MOST,
            },
            signal,
          ),
        ).matches,
      ).filter((place) => (place.kind === 'examination') === (kind === 'examination')),
    { enabled: organization !== '' },
  );
}

/** 2026-11-24 08:00 侯芳 · 余 5 · 基层预留 2. */
export const placeText = (place: FreePlace, t: Translate): string =>
  `${dateTime(place.start)} ${place.who} · ${t('act.slot.left', { n: place.free })}${place.reserved > 0 ? ` · ${t('act.slot.reserved', { n: place.reserved })}` : ''}`;
