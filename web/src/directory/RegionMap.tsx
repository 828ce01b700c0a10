import { MinusOutlined, PlusOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { type KeyboardEvent, useId, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { type Key, useLocale } from '../locale/locale';
import styles from './map.module.css';
import type { Area } from './places';
import { around, labelsThatFit, namePlace, type Point, projectionOf, roundLength } from './projection';

/** One place on the map. */
export interface Mark extends Point {
  readonly id: string;
  readonly name: string;
  readonly tier: string;
  /** Shown in the mark: the place among candidates. */
  readonly number?: number | undefined;
  /** Read out besides the name. */
  readonly note?: string | undefined;
}

interface RegionMapProps {
  label: string;
  areas: readonly Area[];
  marks: readonly Mark[];
  chosen?: string;
  onChoose: (id: string) => void;
  /** Where one asks from. */
  here?: Point | undefined;
  /** From the first mark to the second: the way is drawn, and the map is as near as the two are. */
  way?: boolean;
}

/** Pixels, until it is known how wide the page is. */
const WIDTH = 720;
const HIGH = 0.62;
const HEIGHT = { least: 300, most: 520 };
const BAR = 110;
const ZOOMS = [1, 1.6, 2.5, 4, 6] as const;
const SIZE: Record<string, number> = { village: 3.5, township: 6, county: 8.5, city: 11, province: 12, national: 12 };
const NAMED_AT: Record<string, number> = { village: 3, township: 1 };
const TIERS = ['village', 'township', 'county', 'city'] as const;

/**
 * The region drawn from its own outlines: no tiles, no network. Marks are buttons, in the order of the list; arrows move the picture once it is
 * larger than its frame.
 */
export function RegionMap({ label, areas, marks, chosen, onChoose, here, way = false }: RegionMapProps) {
  const { t } = useLocale();
  const help = useId();
  const frame = useRef<HTMLElement>(null);
  const width = useWidth(frame);
  const height = Math.min(Math.max(width * HIGH, HEIGHT.least), HEIGHT.most);
  const [zoom, setZoom] = useState(0);
  const [middle, setMiddle] = useState<{ x: number; y: number } | null>(null);
  const made = useMemo(
    () =>
      way
        ? projectionOf([], around(marks), width, height)
        : projectionOf(areas, here ? [...marks, here] : marks, width, height),
    [areas, marks, here, way, width, height],
  );
  const factor = ZOOMS[zoom] ?? 1;
  const seen = { width: made.width / factor, height: made.height / factor };
  const wished = middle ?? { x: made.width / 2, y: made.height / 2 };
  const at = {
    x: Math.min(Math.max(wished.x, seen.width / 2), made.width - seen.width / 2),
    y: Math.min(Math.max(wished.y, seen.height / 2), made.height - seen.height / 2),
  };
  const larger = (by: number) => {
    const focus = marks.find((mark) => mark.id === chosen);
    if (by > 0 && focus && zoom === 0) setMiddle(made.at(focus));
    setZoom(Math.min(Math.max(zoom + by, 0), ZOOMS.length - 1));
  };
  const move = (event: KeyboardEvent) => {
    const step = seen.width / 6;
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way || zoom === 0) return;
    event.preventDefault();
    setMiddle({ x: at.x + (way[0] ?? 0) * step, y: at.y + (way[1] ?? 0) * step });
  };
  const scale = roundLength(made.km * factor, BAR);
  // Small first, so that what matters lies on top.
  const drawn = [...marks].sort(
    (a, b) => (SIZE[a.tier] ?? 5) - (SIZE[b.tier] ?? 5) || (b.number ?? 0) - (a.number ?? 0),
  );
  const labels = labelsThatFit(
    [...drawn]
      .reverse()
      .filter((mark) => way || mark.id === chosen || mark.number !== undefined || zoom >= (NAMED_AT[mark.tier] ?? 0))
      .map((mark) => {
        const where = made.at(mark);
        return {
          id: mark.id,
          x: where.x * factor + 12,
          y: where.y * factor,
          text: mark.name,
          always: way || mark.id === chosen,
        };
      }),
  );
  return (
    <figure ref={frame} className={styles.map} aria-label={label}>
      <svg
        viewBox={`${at.x - seen.width / 2} ${at.y - seen.height / 2} ${seen.width} ${seen.height}`}
        onKeyDown={move}
        aria-describedby={help}
      >
        <title>{label}</title>
        {areas.map((area) => (
          <path
            key={area.name}
            className={styles.area}
            d={area.rings
              .map(
                (ring) =>
                  `M${ring
                    .map(([longitude, latitude]) => {
                      const corner = made.at({ latitude, longitude });
                      return `${corner.x.toFixed(1)} ${corner.y.toFixed(1)}`;
                    })
                    .join('L')}Z`,
              )
              .join('')}
            strokeWidth={1.2 / factor}
          />
        ))}
        {areas.map((area) => {
          const where = made.at(namePlace(area.rings[0] ?? [[0, 0]]));
          return (
            <text
              key={area.name}
              className={styles.areaName}
              x={where.x}
              y={where.y}
              fontSize={15 / factor}
              aria-hidden
            >
              {area.name}
            </text>
          );
        })}
        {way && marks[0] && marks[1] && <Road from={made.at(marks[0])} to={made.at(marks[1])} factor={factor} />}
        {here && <Here {...made.at(here)} size={9 / factor} name={t('directory.map.here')} />}
        {drawn.map((mark) => {
          const { x, y } = made.at(mark);
          const size = (mark.number === undefined ? (SIZE[mark.tier] ?? 5) : 11) / factor;
          const isChosen = mark.id === chosen;
          const named = labels.has(mark.id);
          return (
            // biome-ignore lint/a11y/useSemanticElements: there is no button in SVG
            <g
              key={mark.id}
              role="button"
              tabIndex={0}
              className={styles.mark}
              data-tier={mark.tier}
              data-chosen={isChosen || undefined}
              aria-label={[mark.number, mark.name, t(`referral.tier.${mark.tier}` as Key), mark.note]
                .filter(Boolean)
                .join(' ')}
              aria-pressed={isChosen}
              onClick={() => onChoose(mark.id)}
              onKeyDown={(event) => {
                if (event.key !== 'Enter' && event.key !== ' ') return;
                event.preventDefault();
                onChoose(mark.id);
              }}
            >
              <circle className={styles.reach} cx={x} cy={y} r={Math.max(size, 12 / factor)} />
              <circle cx={x} cy={y} r={size} strokeWidth={(isChosen ? 3 : 1.2) / factor} />
              {mark.number !== undefined && (
                <text className={styles.number} x={x} y={y} dy="0.36em" fontSize={12 / factor}>
                  {mark.number}
                </text>
              )}
              {named && (
                <text
                  className={styles.name}
                  x={x + size + 4 / factor}
                  y={y}
                  dy="0.36em"
                  fontSize={12 / factor}
                  strokeWidth={3 / factor}
                >
                  {mark.name}
                </text>
              )}
              <title>{mark.name}</title>
            </g>
          );
        })}
      </svg>
      <div className={styles.tools}>
        <Button
          icon={<PlusOutlined />}
          aria-label={t('directory.map.larger')}
          disabled={zoom === ZOOMS.length - 1}
          onClick={() => larger(1)}
        />
        <Button
          icon={<MinusOutlined />}
          aria-label={t('directory.map.smaller')}
          disabled={zoom === 0}
          onClick={() => larger(-1)}
        />
      </div>
      <figcaption className={styles.legend}>
        <span className={styles.bar} style={{ width: scale * made.km * factor }} aria-hidden />
        <span>{t('directory.map.km', { n: scale })}</span>
        {TIERS.filter((tier) => marks.some((mark) => mark.tier === tier)).map((tier) => (
          <span key={tier} className={styles.key} data-tier={tier}>
            {t(`referral.tier.${tier}` as Key)}
          </span>
        ))}
        <span id={help} className="unseen">
          {t('directory.map.help')}
        </span>
      </figcaption>
    </figure>
  );
}

/** How wide it is on the page, in pixels. */
function useWidth(frame: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(WIDTH);
  useLayoutEffect(() => {
    const here = frame.current;
    if (!here) return;
    const measure = () => setWidth(here.clientWidth || WIDTH);
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(here);
    return () => watch.disconnect();
  }, [frame]);
  return width;
}

/** The straight line from one to the other, its arrow in the middle: which way the patient goes, not which road. */
function Road({ from, to, factor }: { from: { x: number; y: number }; to: { x: number; y: number }; factor: number }) {
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  const turned = (Math.atan2(to.y - from.y, to.x - from.x) * 180) / Math.PI;
  const size = 7 / factor;
  return (
    <g className={styles.road} aria-hidden>
      <path d={`M${from.x} ${from.y}L${to.x} ${to.y}`} strokeWidth={2 / factor} strokeDasharray={`${6 / factor}`} />
      <path
        d={`M${-size} ${-size}L${size} 0L${-size} ${size}Z`}
        transform={`translate(${middle.x} ${middle.y}) rotate(${turned})`}
      />
    </g>
  );
}

function Here({ x, y, size, name }: { x: number; y: number; size: number; name: string }) {
  return (
    <path className={styles.here} d={`M${x} ${y - size}L${x + size} ${y}L${x} ${y + size}L${x - size} ${y}Z`}>
      <title>{name}</title>
    </path>
  );
}
