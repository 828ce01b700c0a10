import { createContext, type ReactNode, use, useCallback, useEffect, useMemo, useState } from 'react';
import { type zh, zh as zhWords } from './zh';

/** Every text a person reads goes through here: 中文 first, English on the switch. */

export type Lang = 'zh' | 'en';
export type Key = keyof typeof zh;
export type Words = Record<Key, string>;
export type Translate = (key: Key, values?: Record<string, string | number>) => string;

interface Locale {
  lang: Lang;
  t: Translate;
  setLang: (lang: Lang) => void;
}

const KEEP = 'yilian.lang';
const LocaleContext = createContext<Locale | null>(null);

export function fill(text: string, values: Record<string, string | number> = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export const chinese: Translate = (key, values) => fill(zhWords[key], values);

function kept(): Lang {
  return localStorage.getItem(KEEP) === 'en' ? 'en' : 'zh';
}

export function LocaleProvider({ children }: { children: ReactNode }) {
  const [lang, choose] = useState<Lang>(kept);
  const [english, setEnglish] = useState<Words | null>(null);

  useEffect(() => {
    if (lang === 'en' && !english) void import('./en').then((module) => setEnglish(module.en));
  }, [lang, english]);

  const setLang = useCallback((next: Lang) => {
    localStorage.setItem(KEEP, next);
    choose(next);
  }, []);

  // Until the English words have come, the page stays as it is; nothing shows a key.
  const shown: Lang = lang === 'en' && english ? 'en' : 'zh';
  useEffect(() => {
    document.documentElement.lang = shown === 'zh' ? 'zh-CN' : 'en';
  }, [shown]);

  const value = useMemo<Locale>(() => {
    const words: Words = shown === 'en' && english ? english : zhWords;
    return { lang: shown, setLang, t: (key, values) => fill(words[key], values) };
  }, [shown, english, setLang]);

  return <LocaleContext value={value}>{children}</LocaleContext>;
}

export function useLocale(): Locale {
  const locale = use(LocaleContext);
  if (!locale) throw new Error('useLocale outside LocaleProvider');
  return locale;
}
