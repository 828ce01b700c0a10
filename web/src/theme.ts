import { type ThemeConfig, theme } from 'antd';

/**
 * The look of every page, in one place. Calm blue-green; red only for danger and critical values, orange for clocks, green for done.
 * Components of ours use the same values as CSS variables (`--ant-color-primary` …), which hang on the class `yilian` of <html>.
 */
export const palette = {
  primary: '#0E7C86',
  primaryDark: '#4CC4CE',
  danger: '#C62828',
  dangerDark: '#FF7B72',
  clock: '#B45309',
  clockDark: '#E3A03B',
  done: '#2E7D32',
  doneDark: '#66BB6A',
} as const;

const FONT =
  '"PingFang SC", "HarmonyOS Sans SC", "MiSans", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", system-ui, -apple-system, "Segoe UI", sans-serif';

export function themeFor({ dark, phone, still }: { dark: boolean; phone: boolean; still: boolean }): ThemeConfig {
  return {
    cssVar: { key: 'yilian', prefix: 'ant' },
    hashed: false,
    algorithm: dark ? theme.darkAlgorithm : theme.defaultAlgorithm,
    token: {
      colorPrimary: dark ? palette.primaryDark : palette.primary,
      // Ant's own tint of this primary is a dull grey-green.
      colorPrimaryBg: dark ? '#143439' : '#E1F1F2',
      colorPrimaryBgHover: dark ? '#1B434A' : '#CFE8EA',
      // The same holds for its tints of the other colours: notices should be pale, their words the darkest thing in them.
      colorInfoBg: dark ? '#143439' : '#E1F1F2',
      colorSuccessBg: dark ? '#17301B' : '#E7F3E8',
      colorWarningBg: dark ? '#3A2A12' : '#FDF1E1',
      colorLink: dark ? '#4DBBC4' : palette.primary,
      colorError: dark ? palette.dangerDark : palette.danger,
      colorWarning: dark ? palette.clockDark : palette.clock,
      colorSuccess: dark ? palette.doneDark : palette.done,
      colorInfo: dark ? palette.primaryDark : palette.primary,
      // Ant's own secondary greys fall short of 4.5 : 1 on white; these pass AA.
      colorTextSecondary: dark ? '#B4BCC4' : '#4F5B66',
      colorTextTertiary: dark ? '#98A2AC' : '#65717C',
      colorTextDescription: dark ? '#98A2AC' : '#65717C',
      colorTextPlaceholder: dark ? '#8A949E' : '#6B7680',
      colorBgLayout: dark ? '#12171B' : '#F4F6F7',
      colorBgContainer: dark ? '#1A2126' : '#FFFFFF',
      colorBgElevated: dark ? '#222A30' : '#FFFFFF',
      colorBorder: dark ? '#47525B' : '#C3CBD2',
      colorBorderSecondary: dark ? '#303940' : '#E3E8EB',
      borderRadius: 6,
      fontFamily: FONT,
      fontSize: phone ? 16 : 14,
      controlHeight: phone ? 44 : 32,
      motion: !still,
      motionDurationMid: '0.12s',
      motionDurationSlow: '0.16s',
    },
    components: {
      // White on the lighter primary of the dark theme would fall short of AA.
      Button: dark ? { primaryColor: '#062225' } : {},
      Tabs: { horizontalItemPadding: '10px 0', horizontalMargin: '0' },
    },
  };
}
