import type { Area } from './places';

/** Degrees on the plane of a picture: the map of a region is small enough for one scale along each axis. */

export interface Point {
  readonly latitude: number;
  readonly longitude: number;
}

export interface Projection {
  readonly width: number;
  readonly height: number;
  readonly at: (point: Point) => { x: number; y: number };
  /** Pixels of one kilometre. */
  readonly km: number;
}

const KM_PER_DEGREE = 111.195;
const MARGIN = 0.06;
/** Degrees: a single place is shown with some country around it. */
const LEAST = 0.02;

/** Everything that is shown within a picture of this size; nothing to show gives a picture of nowhere in particular. */
export function projectionOf(
  areas: readonly Area[],
  points: readonly Point[],
  width: number,
  height: number,
): Projection {
  const all: Point[] = [
    ...areas.flatMap((area) =>
      area.rings.flatMap((ring) => ring.map(([longitude, latitude]) => ({ latitude, longitude }))),
    ),
    ...points,
  ];
  if (all.length === 0) return { width, height, at: () => ({ x: width / 2, y: height / 2 }), km: 1 };
  const latitudes = all.map((point) => point.latitude);
  const longitudes = all.map((point) => point.longitude);
  const south = Math.min(...latitudes);
  const north = Math.max(...latitudes);
  const west = Math.min(...longitudes);
  const east = Math.max(...longitudes);
  const narrow = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const inside = 1 - 2 * MARGIN;
  const scale = Math.min(
    (width * inside) / Math.max((east - west) * narrow, LEAST),
    (height * inside) / Math.max(north - south, LEAST),
  );
  const middle = { x: (west + east) / 2, y: (south + north) / 2 };
  return {
    width,
    height,
    km: scale / KM_PER_DEGREE,
    at: ({ latitude, longitude }) => ({
      x: width / 2 + (longitude - middle.x) * narrow * scale,
      y: height / 2 - (latitude - middle.y) * scale,
    }),
  };
}

const ROOM = 0.4;
/** Degrees: about five kilometres. */
const NEAR = 0.05;

/** The corners of a frame around these points with room for their names, so that a map can be as near as they are. */
export function around(points: readonly Point[]): Point[] {
  if (points.length === 0) return [];
  const latitudes = points.map((point) => point.latitude);
  const longitudes = points.map((point) => point.longitude);
  const room = (all: readonly number[]) => Math.max((Math.max(...all) - Math.min(...all)) * ROOM, NEAR);
  const high = room(latitudes);
  const wide = room(longitudes);
  return [
    { latitude: Math.min(...latitudes) - high, longitude: Math.min(...longitudes) - wide },
    { latitude: Math.max(...latitudes) + high, longitude: Math.max(...longitudes) + wide },
  ];
}

/** Where the name of an area stands: in the middle of its upper third. */
export function namePlace(ring: readonly (readonly [number, number])[]): Point {
  const heights = ring.map(([, latitude]) => latitude);
  const north = Math.max(...heights);
  const latitude = north - (north - Math.min(...heights)) * 0.3;
  const crossings = ring.flatMap(([longitude, here], place) => {
    const [other, there] = ring[(place + 1) % ring.length] ?? [longitude, here];
    return here > latitude === there > latitude
      ? []
      : [longitude + ((latitude - here) / (there - here)) * (other - longitude)];
  });
  return { latitude, longitude: (Math.min(...crossings) + Math.max(...crossings)) / 2 };
}

export interface Label {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly text: string;
  /** Shown whatever it covers. */
  readonly always: boolean;
}

const EM = 12;

/** The labels that find room, the first ones first; places and sizes in pixels. */
export function labelsThatFit(labels: readonly Label[]): Set<string> {
  const taken: { left: number; right: number; top: number; bottom: number }[] = [];
  const shown = new Set<string>();
  for (const { id, x, y, text, always } of [...labels].sort((a, b) => Number(b.always) - Number(a.always))) {
    const box = { left: x, right: x + text.length * EM, top: y - EM * 0.6, bottom: y + EM * 0.6 };
    const free = taken.every(
      (other) => box.right < other.left || box.left > other.right || box.bottom < other.top || box.top > other.bottom,
    );
    if (!always && !free) continue;
    taken.push(box);
    shown.add(id);
  }
  return shown;
}

/** A round length for the bar below the map, in km, no longer than that many pixels. */
export function roundLength(km: number, pixels: number): number {
  const most = pixels / km;
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((digit) => digit * power).find((length) => length <= most) ?? power;
}
