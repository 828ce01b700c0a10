import { LineChart } from 'echarts/charts';
import { GridComponent, TooltipComponent } from 'echarts/components';
import { init, use as register } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { useEffect, useRef } from 'react';
import { useAppearance } from '../../layout/appearance';
import { useLocale } from '../../locale/locale';
import { palette } from '../../theme';
import styles from '../beds.module.css';
import type { Use } from './use';

register([LineChart, GridComponent, TooltipComponent, SVGRenderer]);

/** 床位使用率 day by day. The table of days tells the same. */
export function DaysChart({ days }: { days: readonly Use[] }) {
  const { t } = useLocale();
  const { dark } = useAppearance();
  const box = useRef<HTMLDivElement>(null);
  const shown = JSON.stringify(days.map((one) => [one.day.slice(5), one.rate]));

  useEffect(() => {
    if (!box.current) return;
    const drawn = JSON.parse(shown) as [string, number | null][];
    const chart = init(box.current, undefined, { renderer: 'svg' });
    const ink = dark ? '#B4BCC4' : '#4F5B66';
    const rule = dark ? '#303940' : '#E3E8EB';
    const colour = dark ? palette.primaryDark : palette.primary;
    chart.setOption({
      animation: false,
      // Named, since the widths of a font that is only inherited cannot be measured.
      textStyle: { fontFamily: getComputedStyle(box.current).fontFamily, color: ink },
      grid: { left: 8, right: 20, top: 16, bottom: 4, containLabel: true },
      tooltip: { trigger: 'axis', valueFormatter: (value: number) => `${value}%` },
      xAxis: {
        type: 'category',
        data: drawn.map(([day]) => day),
        axisTick: { show: false },
        axisLine: { lineStyle: { color: rule } },
        axisLabel: { color: ink, hideOverlap: true },
      },
      yAxis: {
        type: 'value',
        min: 0,
        max: ({ max }: { max: number }) => Math.max(100, Math.ceil(max / 10) * 10),
        splitLine: { lineStyle: { color: rule } },
        axisLabel: { color: ink, formatter: '{value}%' },
      },
      series: [
        {
          type: 'line',
          name: t('use.rate'),
          symbolSize: 6,
          lineStyle: { color: colour, width: 2 },
          itemStyle: { color: colour },
          areaStyle: { color: colour, opacity: 0.12 },
          data: drawn.map(([, rate]) => (rate === null || rate === undefined ? null : Math.round(rate * 1000) / 10)),
        },
      ],
    });
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      chart.dispose();
    };
  }, [shown, dark, t]);

  return <div ref={box} className={styles.chart} style={{ height: 220 }} aria-hidden="true" />;
}
