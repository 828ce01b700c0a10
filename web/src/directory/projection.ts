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

/** Everything that is shown within a picture of this width; nothing to show gives a picture of nowhere in particular. */
export function projectionOf(areas: readonly Area[], points: readonly Point[], width: number): Projection {
  const all: Point[] = [
    ...areas.flatMap((area) =>
      area.rings.flatMap((ring) => ring.map(([longitude, latitude]) => ({ latitude, longitude }))),
    ),
    ...points,
  ];
  if (all.length === 0) return { width, height: width * 0.6, at: () => ({ x: width / 2, y: width * 0.3 }), km: 1 };
  const latitudes = all.map((point) => point.latitude);
  const longitudes = all.map((point) => point.longitude);
  const south = Math.min(...latitudes);
  const north = Math.max(...latitudes);
  const west = Math.min(...longitudes);
  const east = Math.max(...longitudes);
  const narrow = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const across = Math.max((east - west) * narrow, (north - south) * 0.4, 0.01);
  const scale = (width * (1 - 2 * MARGIN)) / across;
  const height = Math.max((north - south) * scale + 2 * MARGIN * width, width * 0.4);
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

/** A round length for the bar below the map, in km, no longer than that many pixels. */
export function roundLength(km: number, pixels: number): number {
  const most = pixels / km;
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((digit) => digit * power).find((length) => length <= most) ?? power;
}
