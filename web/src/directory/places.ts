import { request } from '../client/client';
import { type Reading, useReading } from '../page/reading';

/** The directory as anybody may see it (`/public/…`). */

export interface Department {
  readonly code: string;
  readonly name: string;
}

export interface Place {
  readonly id: string;
  readonly name: string;
  readonly short: string;
  readonly tier: string;
  /** 三级甲等, empty where not graded. */
  readonly grade: string;
  readonly address: string;
  readonly district: string;
  readonly phone: string;
  readonly specialties: readonly Department[];
  readonly latitude?: number;
  readonly longitude?: number;
  /** Along the straight line from where one asked. */
  readonly km?: number;
}

export interface Hours {
  readonly days: readonly string[];
  readonly allDay: boolean;
  readonly from: string;
  readonly to: string;
}

export interface PlaceInFull extends Place {
  readonly services: readonly {
    readonly name: string;
    readonly specialties: readonly Department[];
    readonly phone: string;
    readonly hours: readonly Hours[];
  }[];
  readonly people: readonly {
    readonly name: string;
    readonly title: string;
    readonly specialties: readonly Department[];
  }[];
}

export interface Asked {
  readonly text?: string;
  readonly tier?: string;
  readonly specialty?: string;
  readonly district?: string;
  /** "latitude,longitude" */
  readonly near?: string;
  readonly offset?: number;
  readonly count?: number;
}

export interface Found {
  readonly total: number;
  readonly institutions: readonly Place[];
}

/** One ring is a list of [longitude, latitude]. */
export interface Area {
  readonly name: string;
  readonly rings: readonly (readonly (readonly [number, number])[])[];
}

const MINUTES_5 = 5 * 60_000;
/** As many as the server gives at once. */
export const ALL = 100;

async function told<T>(path: string, signal: AbortSignal): Promise<T> {
  const answer = await request(`/public/${path}`, { signal, headers: { Accept: 'application/json' } });
  return (await answer.json()) as T;
}

export function usePlaces(asked: Asked): Reading<Found> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(asked))
    if (value !== undefined && value !== '') query.set(name, `${value}`);
  return useReading(['places', query.toString()], (signal) => told<Found>(`institutions?${query}`, signal), {
    staleTime: MINUTES_5,
  });
}

/** Every institution there is to put on a map, page by page. */
export function useAllPlaces(asked: Asked, enabled: boolean): Reading<readonly Place[]> {
  return useReading(
    ['places', 'all', JSON.stringify(asked)],
    async (signal) => {
      const every: Place[] = [];
      for (;;) {
        const query = new URLSearchParams({ count: String(ALL), offset: String(every.length) });
        for (const [name, value] of Object.entries(asked)) if (value) query.set(name, `${value}`);
        const page = await told<Found>(`institutions?${query}`, signal);
        every.push(...page.institutions);
        if (page.institutions.length < ALL) return every;
      }
    },
    { staleTime: MINUTES_5, enabled },
  );
}

export const usePlace = (id: string): Reading<PlaceInFull> =>
  useReading(['place', id], (signal) => told<PlaceInFull>(`institutions/${encodeURIComponent(id)}`, signal), {
    staleTime: MINUTES_5,
  });

/** From one institution to another, as anybody may ask. `km` and `minutes` by road, where both have a position. */
export interface Way {
  readonly from: Place;
  readonly to: Place;
  readonly km?: number;
  readonly minutes?: number;
}

export const useWay = (from: string, to: string): Reading<Way> =>
  useReading(['way', from, to], (signal) => told<Way>(`way?${new URLSearchParams({ from, to })}`, signal), {
    staleTime: Number.POSITIVE_INFINITY,
    enabled: from !== '' && to !== '' && from !== to,
  });

export const useAreas = (): Reading<readonly Area[]> =>
  useReading(['areas'], async (signal) => (await told<{ areas: Area[] }>('map', signal)).areas, {
    staleTime: Number.POSITIVE_INFINITY,
  });
