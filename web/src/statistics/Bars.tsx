import { BarChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components';
import { init, use as register } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { useEffect, useRef } from 'react';
import { useAppearance } from '../layout/appearance';
import { useLocale } from '../locale/locale';
import { palette } from '../theme';
import styles from './statistics.module.css';
import type { Table } from './table';

register([BarChart, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);

const ROW = 26;
const MOST_ROWS = 15;
/** More columns than colours one can tell apart: their totals are drawn instead. */
const MOST_COLUMNS = 7;

/** The table for who would rather look: its rows as stacked bars, or with many columns the totals of these, one beside the other. */
export function Bars({ table, colours }: { table: Table; colours?: readonly string[] }) {
  const { t } = useLocale();
  const { dark, phone } = useAppearance();
  const box = useRef<HTMLDivElement>(null);
  const upright = table.columns.length > MOST_COLUMNS && table.totals !== undefined;
  const drawn = table.rows.filter((row) => row.figures.some(Boolean));
  const most = new Set([...drawn].sort((a, b) => (b.total ?? 0) - (a.total ?? 0)).slice(0, MOST_ROWS));
  const rows = drawn.filter((row) => most.has(row));

  useEffect(() => {
    if (!box.current) return;
    const chart = init(box.current, undefined, { renderer: 'svg' });
    // Named, since the widths of a font that is only inherited cannot be measured: labels would lie over each other.
    const font = getComputedStyle(box.current).fontFamily;
    chart.setOption(
      upright ? columnsOption(table, dark, font) : rowsOption({ ...table, rows }, dark, phone, font, colours),
    );
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      chart.dispose();
    };
  }, [table, rows, upright, dark, phone, colours]);

  return (
    <figure className={styles.chart}>
      <div ref={box} style={{ height: upright ? 260 : rows.length * ROW + 84 }} aria-hidden="true" />
      {!upright && drawn.length > MOST_ROWS && (
        <figcaption className="quiet">{t('statistics.chart.most', { n: MOST_ROWS })}</figcaption>
      )}
    </figure>
  );
}

const look = (dark: boolean) => ({ ink: dark ? '#B4BCC4' : '#4F5B66', rule: dark ? '#303940' : '#E3E8EB' });

const tooltip = (dark: boolean) => ({
  trigger: 'item',
  backgroundColor: dark ? '#222A30' : '#fff',
  borderColor: look(dark).rule,
  textStyle: { color: dark ? '#E6EAED' : '#1F2329' },
});

function columnsOption(table: Table, dark: boolean, font: string) {
  const { ink, rule } = look(dark);
  return {
    animation: false,
    textStyle: { fontFamily: font, color: ink },
    grid: { left: 8, right: 8, top: 24, bottom: 4, containLabel: true },
    tooltip: tooltip(dark),
    xAxis: {
      type: 'category',
      data: table.columns,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: rule } },
      axisLabel: { color: ink },
    },
    yAxis: { type: 'value', minInterval: 1, splitLine: { lineStyle: { color: rule } }, axisLabel: { color: ink } },
    series: [
      {
        type: 'bar',
        barMaxWidth: 36,
        itemStyle: { color: dark ? palette.primaryDark : palette.primary },
        label: {
          show: true,
          position: 'top',
          color: ink,
          formatter: ({ value }: { value: number }) => (value ? String(value) : ''),
        },
        data: table.totals ?? [],
      },
    ],
  };
}

/** Seven steps from light to dark of one colour, for groups that have an order. */
const STEPS = ['#B7DCD6', '#8CC7BE', '#5FB0A5', '#35988B', '#117E72', '#00645A', '#004A43'];
const STEPS_DARK = ['#0E4A44', '#13625A', '#1B7B71', '#2A958A', '#4BAFA4', '#7CC8BF', '#AEDFD9'];

function rowsOption(table: Table, dark: boolean, phone: boolean, font: string, colours?: readonly string[]) {
  const { ink, rule } = look(dark);
  return {
    animation: false,
    color: [...(colours ?? (dark ? STEPS_DARK : STEPS))],
    textStyle: { fontFamily: font, color: ink },
    grid: { left: 8, right: 24, top: phone ? 64 : 40, bottom: 4, containLabel: true },
    legend: { top: 0, left: 0, textStyle: { color: ink }, itemWidth: 14, itemHeight: 10, selectedMode: false },
    tooltip: tooltip(dark),
    xAxis: {
      type: 'value',
      minInterval: 1,
      splitLine: { lineStyle: { color: rule } },
      axisLabel: { color: ink, hideOverlap: true },
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: table.rows.map((row) => row.name),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: rule } },
      axisLabel: { color: ink, width: phone ? 110 : 190, overflow: 'truncate' },
    },
    series: table.columns.map((name, place) => ({
      type: 'bar',
      name,
      stack: 'all',
      barWidth: 14,
      data: table.rows.map((row) => row.figures[place] ?? null),
    })),
  };
}
