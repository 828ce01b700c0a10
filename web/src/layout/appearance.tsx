import { createContext, type ReactNode, use, useEffect, useMemo, useState, useSyncExternalStore } from 'react';

/** Dark or light, and whether the page is as narrow as a phone. */

interface Appearance {
  dark: boolean;
  setDark: (dark: boolean) => void;
  phone: boolean;
}

const KEEP = 'yilian.dark';
const narrow = matchMedia('(max-width: 767px)');
const AppearanceContext = createContext<Appearance | null>(null);

function preferred(): boolean {
  const kept = localStorage.getItem(KEEP);
  return kept === null ? matchMedia('(prefers-color-scheme: dark)').matches : kept === 'yes';
}

export function AppearanceProvider({ children }: { children: ReactNode }) {
  const [dark, setDark] = useState(preferred);
  const phone = useSyncExternalStore(
    (listener) => {
      narrow.addEventListener('change', listener);
      return () => narrow.removeEventListener('change', listener);
    },
    () => narrow.matches,
  );
  useEffect(() => {
    document.documentElement.classList.toggle('dark', dark);
  }, [dark]);
  const value = useMemo<Appearance>(
    () => ({
      dark,
      phone,
      setDark: (next) => {
        localStorage.setItem(KEEP, next ? 'yes' : 'no');
        setDark(next);
      },
    }),
    [dark, phone],
  );
  return <AppearanceContext value={value}>{children}</AppearanceContext>;
}

export function useAppearance(): Appearance {
  const appearance = use(AppearanceContext);
  if (!appearance) throw new Error('useAppearance outside AppearanceProvider');
  return appearance;
}
