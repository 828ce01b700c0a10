import type { Lang } from '../../locale/locale';

/** Something chosen from a list by its code, found by 中文, pinyin, initials or English. */
export interface Choosable {
  readonly code: string;
  readonly zh: string;
  readonly en: string;
  /** Syllables with spaces between. */
  readonly pinyin: string;
}

export const nameIn = (one: Choosable, lang: Lang): string => one[lang];

export const called = (list: readonly Choosable[], code: string | undefined, lang: Lang): string => {
  const found = list.find((one) => one.code === code);
  return found ? found[lang] : '';
};

/** Whether what was typed means this one: part of the Chinese or English name, pinyin with or without spaces, or initials (`xxg` → 心血管内科). */
export function matches(one: Choosable, typed: string): boolean {
  const text = typed.normalize('NFKC').trim().toLowerCase();
  if (!text) return true;
  if (one.zh.includes(text) || one.en.toLowerCase().includes(text) || one.code.startsWith(text)) return true;
  const letters = text.replace(/[\s']/g, '');
  if (!/^[a-z]+$/.test(letters)) return false;
  const syllables = one.pinyin.split(' ');
  const initials = syllables.map((syllable) => syllable[0]).join('');
  return initials.includes(letters) || startsAtASyllable(syllables, letters);
}

function startsAtASyllable(syllables: readonly string[], letters: string): boolean {
  return syllables.some((_, from) => syllables.slice(from).join('').startsWith(letters));
}
