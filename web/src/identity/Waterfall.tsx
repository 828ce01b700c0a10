import { BarChart } from 'echarts/charts';
import { GridComponent, TooltipComponent } from 'echarts/components';
import { init, use as register } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { useEffect, useRef } from 'react';
import { useAppearance } from '../layout/appearance';
import { useLocale } from '../locale/locale';
import { palette } from '../theme';
import styles from './identity.module.css';
import type { Step } from './pairs';

register([BarChart, GridComponent, TooltipComponent, SVGRenderer]);

const ROW = 26;
/** Bits between two lines of the axis. */
const STEP = 10;

interface Bar {
  name: string;
  from: number;
  to: number;
  text: string;
}

/** What each comparison adds or takes, from the prior to the sum. The same is told as a table to who cannot see it. */
export function Waterfall({ steps, weight }: { steps: readonly Step[]; weight: number }) {
  const { t } = useLocale();
  const { dark } = useAppearance();
  const box = useRef<HTMLDivElement>(null);
  const shown = bars(steps, weight, {
    start: t('match.steps.start'),
    term: t('match.steps.term'),
    sum: t('match.steps.sum'),
  });
  const key = JSON.stringify(shown);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the bars are their text.
  useEffect(() => {
    if (!box.current) return;
    const chart = init(box.current, undefined, { renderer: 'svg' });
    chart.setOption(optionFor(shown, dark));
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      chart.dispose();
    };
  }, [key, dark]);

  return (
    <>
      <div ref={box} style={{ height: shown.length * ROW + 34 }} aria-hidden="true" />
      <table className="unseen">
        <tbody>
          {shown.map((one) => (
            <tr key={one.name}>
              <th scope="row">{one.name}</th>
              <td>
                {one.text} {t('match.bits')}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className={styles.note}>{t('match.steps.how')}</p>
    </>
  );
}

const signed = (bits: number): string => `${bits >= 0 ? '+' : '−'}${Math.abs(bits).toFixed(1)}`;

export function bars(
  steps: readonly Step[],
  weight: number,
  words: { start: string; term: string; sum: string },
): Bar[] {
  let sum = 0;
  const made: Bar[] = [];
  steps.forEach((step, index) => {
    if (step.bits === 0 && !step.level && index > 0) return;
    const from = sum;
    sum += step.bits;
    const name = index === 0 ? words.start : step.term ? `${step.title}${words.term}` : step.title;
    made.push({ name, from, to: sum, text: signed(step.bits) });
  });
  made.push({ name: words.sum, from: 0, to: weight, text: signed(weight) });
  return made;
}

function optionFor(shown: readonly Bar[], dark: boolean) {
  const ink = dark ? '#B4BCC4' : '#4F5B66';
  const rule = dark ? '#303940' : '#E3E8EB';
  const colourOf = (one: Bar, last: boolean): string => {
    if (last) return dark ? palette.primaryDark : palette.primary;
    if (one.to >= one.from) return dark ? palette.doneDark : palette.done;
    return dark ? palette.clockDark : palette.clock;
  };
  const ends = shown.flatMap((one) => [one.from, one.to]);
  // The part up to where a bar begins is not drawn, so all are counted from the left edge; the labels count from nothing.
  const min = Math.floor((Math.min(0, ...ends) - 1) / STEP) * STEP;
  const max = Math.ceil((Math.max(0, ...ends) + 4) / STEP) * STEP;
  return {
    animation: false,
    textStyle: { fontFamily: 'inherit', color: ink },
    grid: { left: 24, right: 16, top: 4, bottom: 4, containLabel: true },
    xAxis: {
      type: 'value',
      min: 0,
      max: max - min,
      interval: STEP,
      splitLine: { lineStyle: { color: rule } },
      axisLabel: { color: ink, hideOverlap: true, formatter: (value: number) => String(value + min) },
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: shown.map((one) => one.name),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: rule } },
      axisLabel: { color: ink, width: 170, overflow: 'truncate' },
    },
    series: [
      {
        type: 'bar',
        stack: 'all',
        silent: true,
        itemStyle: { color: 'transparent' },
        data: shown.map((one) => Math.min(one.from, one.to) - min),
      },
      {
        type: 'bar',
        stack: 'all',
        barWidth: 14,
        data: shown.map((one, index) => ({
          value: Math.abs(one.to - one.from),
          itemStyle: { color: colourOf(one, index === shown.length - 1) },
          label: { show: true, position: 'right', formatter: one.text, color: ink },
        })),
      },
    ],
  };
}
