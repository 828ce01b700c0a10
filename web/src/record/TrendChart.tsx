import { LineChart } from 'echarts/charts';
import { GridComponent, MarkAreaComponent, TooltipComponent } from 'echarts/components';
import { init, use as register } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { useEffect, useRef } from 'react';
import { dateTime, wallClock } from '../fhir/dates';
import { isCritical, MARK_SIGN, type Mark, numberText, type Result } from '../fhir/observation';
import { useAppearance } from '../layout/appearance';
import { useLocale } from '../locale/locale';
import { palette } from '../theme';
import styles from './record.module.css';

register([LineChart, GridComponent, MarkAreaComponent, TooltipComponent, SVGRenderer]);

/** A test over time with its reference band. Values out of range have another colour and another shape, and their sign beside them. */
export function TrendChart({ results, places }: { results: readonly Result[]; places: number }) {
  const { t } = useLocale();
  const { dark } = useAppearance();
  const box = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!box.current) return;
    const chart = init(box.current, undefined, { renderer: 'svg' });
    chart.setOption(optionFor([...results].reverse(), places, dark, t('lab.chart.range')));
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      chart.dispose();
    };
  }, [results, places, dark, t]);

  return <div ref={box} className={styles.chart} aria-hidden="true" />;
}

/** `results` oldest first, all in one unit. */
function optionFor(results: readonly Result[], places: number, dark: boolean, bandName: string) {
  const latest = results.at(-1);
  const line = dark ? palette.primaryDark : palette.primary;
  const colourOf = (mark: Mark | null): string => {
    if (!mark) return line;
    if (isCritical(mark)) return dark ? palette.dangerDark : palette.danger;
    return dark ? palette.clockDark : palette.clock;
  };
  const ink = dark ? '#B4BCC4' : '#4F5B66';
  const rule = dark ? '#303940' : '#E3E8EB';
  const low = latest?.low ?? null;
  const high = latest?.high ?? null;
  const numbers = results.map((result) => result.number ?? 0);
  const [min, max] = [Math.min(...numbers, low ?? numbers[0] ?? 0), Math.max(...numbers, high ?? numbers[0] ?? 0)];
  const room = (max - min || Math.abs(max) || 1) * 0.12;
  const bottom = min >= 0 ? Math.max(0, min - room) : min - room;
  const top = max + room;
  // A band too thin to be written into is named above.
  const thin = (high ?? top) - (low ?? bottom) < (top - bottom) / 10;
  const axisPlaces = max - min < 2 ? Math.max(places, 1) : places;
  return {
    animation: false,
    useUTC: true,
    textStyle: { fontFamily: 'inherit', color: ink },
    grid: { left: 56, right: 24, top: 34, bottom: 32 },
    tooltip: {
      trigger: 'item',
      backgroundColor: dark ? '#222A30' : '#fff',
      borderColor: rule,
      textStyle: { color: dark ? '#E6EAED' : '#1F2329' },
      formatter: (point: { dataIndex: number }) => {
        const result = results[point.dataIndex];
        if (!result) return '';
        return `${dateTime(result.when)}<br/><b>${numberText(result.number ?? 0, places)} ${result.unit} ${result.mark ? MARK_SIGN[result.mark] : ''}</b>`;
      },
    },
    xAxis: {
      type: 'time',
      axisLine: { lineStyle: { color: rule } },
      axisLabel: {
        color: ink,
        hideOverlap: true,
        formatter: { year: '{yyyy}', month: '{yyyy}-{MM}', day: '{yyyy}-{MM}-{dd}', none: '' },
      },
      splitLine: { show: false },
    },
    yAxis: {
      type: 'value',
      name: latest?.unit,
      nameTextStyle: { color: ink, align: 'left', padding: [0, 0, 0, -44] },
      min: bottom,
      max: top,
      axisLabel: {
        color: ink,
        formatter: (value: number) => value.toFixed(axisPlaces),
        showMinLabel: false,
        showMaxLabel: false,
      },
      splitLine: { lineStyle: { color: rule } },
    },
    series: [
      {
        type: 'line',
        lineStyle: { color: line, width: 2 },
        data: results.map((result) => ({
          value: [wallClock(result.when), result.number],
          symbol: result.mark ? 'diamond' : 'circle',
          symbolSize: result.mark ? 11 : 7,
          itemStyle: {
            color: colourOf(result.mark),
            borderColor: isCritical(result.mark) ? ink : 'transparent',
            borderWidth: 1,
          },
          label: {
            show: result.mark !== null && results.length <= 40,
            formatter: result.mark ? MARK_SIGN[result.mark] : '',
            color: colourOf(result.mark),
            position: 'top',
          },
        })),
        ...(low === null && high === null
          ? {}
          : {
              markArea: {
                silent: true,
                itemStyle: { color: dark ? 'rgba(102,187,106,0.13)' : 'rgba(46,125,50,0.09)' },
                label: { show: true, position: thin ? 'top' : 'insideTopRight', color: ink, fontSize: 12 },
                data: [[{ name: bandName, yAxis: low ?? bottom }, { yAxis: high ?? top }]],
              },
            }),
      },
    ],
  };
}
