import { BarChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components';
import { init, use as register } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { useEffect, useRef } from 'react';
import { useAppearance } from '../layout/appearance';
import { useLocale } from '../locale/locale';
import { type Numbers, STATES, type State } from './beds';
import styles from './beds.module.css';

register([BarChart, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);

const ROW = 28;
const MOST = 12;
/** Light, so that the numbers on them can be read; free is the darkest, since it is what one looks for. */
const COLOURS: Record<State, string> = {
  free: '#2E9D6A',
  held: '#E3A03B',
  occupied: '#9DB7BF',
  cleaning: '#C9D6DA',
  stopped: '#E3E8EB',
};
const DARK: Record<State, string> = {
  free: '#3CB57F',
  held: '#C98A2B',
  occupied: '#4B636B',
  cleaning: '#3A4A51',
  stopped: '#303940',
};

/** The groups with the most free beds as stacked bars; the table below has all of them. */
export function FreeChart({ groups }: { groups: readonly { name: string; numbers: Numbers }[] }) {
  const { t } = useLocale();
  const { dark, phone } = useAppearance();
  const box = useRef<HTMLDivElement>(null);
  const shown = JSON.stringify(groups.slice(0, MOST));

  useEffect(() => {
    if (!box.current) return;
    const drawn = JSON.parse(shown) as typeof groups;
    const chart = init(box.current, undefined, { renderer: 'svg' });
    const ink = dark ? '#B4BCC4' : '#4F5B66';
    const rule = dark ? '#303940' : '#E3E8EB';
    chart.setOption({
      animation: false,
      color: STATES.map((state) => (dark ? DARK : COLOURS)[state]),
      // Named, since the widths of a font that is only inherited cannot be measured.
      textStyle: { fontFamily: getComputedStyle(box.current).fontFamily, color: ink },
      grid: { left: 8, right: 16, top: phone ? 64 : 36, bottom: 4, containLabel: true },
      legend: { top: 0, left: 0, textStyle: { color: ink }, itemWidth: 14, itemHeight: 10, selectedMode: false },
      tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' } },
      xAxis: { type: 'value', minInterval: 1, splitLine: { lineStyle: { color: rule } }, axisLabel: { color: ink } },
      yAxis: {
        type: 'category',
        inverse: true,
        data: drawn.map(({ name }) => name),
        axisTick: { show: false },
        axisLine: { lineStyle: { color: rule } },
        axisLabel: { color: ink, width: phone ? 110 : 190, overflow: 'truncate' },
      },
      series: STATES.map((state) => ({
        type: 'bar',
        name: t(`bed.state.${state}`),
        stack: 'all',
        barWidth: 16,
        data: drawn.map(({ numbers }) => numbers[state] || null),
        ...(state === 'free' ? { label: { show: true, color: dark ? '#062225' : '#fff', fontWeight: 600 } } : {}),
      })),
    });
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      chart.dispose();
    };
  }, [shown, dark, phone, t]);

  const rows = Math.min(groups.length, MOST);
  return (
    <div ref={box} className={styles.chart} style={{ height: rows * ROW + (phone ? 96 : 68) }} aria-hidden="true" />
  );
}
