import {
  CheckCircleOutlined,
  ClearOutlined,
  ClockCircleOutlined,
  MinusCircleOutlined,
  UserOutlined,
} from '@ant-design/icons';
import type { ReactNode } from 'react';
import { useLocale } from '../locale/locale';
import { type Numbers, STATES, type State } from './beds';
import styles from './beds.module.css';

export const ICONS: Record<State, ReactNode> = {
  free: <CheckCircleOutlined aria-hidden />,
  held: <ClockCircleOutlined aria-hidden />,
  occupied: <UserOutlined aria-hidden />,
  cleaning: <ClearOutlined aria-hidden />,
  stopped: <MinusCircleOutlined aria-hidden />,
};

/** A state as mark, word and colour. */
export function BedState({ of }: { of: State }) {
  const { t } = useLocale();
  return (
    <span className={`${styles.state ?? ''} ${styles[of] ?? ''}`}>
      {ICONS[of]} {t(`bed.state.${of}`)}
    </span>
  );
}

/** How many are free, held …, those there are none of left out, but for free. */
export function Counts({ of }: { of: Record<State, number> }) {
  const { t } = useLocale();
  return (
    <span className={styles.counts}>
      {STATES.filter((state) => state === 'free' || of[state] > 0).map((state) => (
        <span key={state} className={`${styles.state ?? ''} ${styles[state] ?? ''}`}>
          {ICONS[state]} {t(`bed.state.${state}`)} <strong>{of[state]}</strong>
        </span>
      ))}
    </span>
  );
}

/** The same as a strip, for who would rather look; the numbers stand beside it. */
export function Strip({ of }: { of: Numbers }) {
  return (
    <span className={styles.strip} aria-hidden="true">
      {STATES.map(
        (state) =>
          of[state] > 0 && <span key={state} className={styles[`fill-${state}`]} style={{ flexGrow: of[state] }} />,
      )}
    </span>
  );
}
