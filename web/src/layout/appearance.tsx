import { createContext, type ReactNode, use, useEffect, useMemo, useState } from 'react';
import { useMedia } from './media';

/** Dark or light, whether the page is as narrow as a phone, and whether it keeps still: motion makes some people dizzy. */

interface Appearance {
  dark: boolean;
  setDark: (dark: boolean) => void;
  phone: boolean;
  still: boolean;
}

const KEEP = 'yilian.dark';
const narrow = matchMedia('(max-width: 767px)');
const withoutMotion = matchMedia('(prefers-reduced-motion: reduce)');
const AppearanceContext = createContext<Appearance | null>(null);

function preferred(): boolean {
  const kept = localStorage.getItem(KEEP);
  return kept === null ? matchMedia('(prefers-color-scheme: dark)').matches : kept === 'yes';
}

export function AppearanceProvider({ children }: { children: ReactNode }) {
  const [dark, setDark] = useState(preferred);
  const phone = useMedia(narrow);
  const still = useMedia(withoutMotion);
  useEffect(() => {
    document.documentElement.classList.toggle('dark', dark);
  }, [dark]);
  const value = useMemo<Appearance>(
    () => ({
      dark,
      phone,
      still,
      setDark: (next) => {
        localStorage.setItem(KEEP, next ? 'yes' : 'no');
        setDark(next);
      },
    }),
    [dark, phone, still],
  );
  return <AppearanceContext value={value}>{children}</AppearanceContext>;
}

export function useAppearance(): Appearance {
  const appearance = use(AppearanceContext);
  if (!appearance) throw new Error('useAppearance outside AppearanceProvider');
  return appearance;
}
