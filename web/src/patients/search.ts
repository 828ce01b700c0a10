import type { Params } from '../client/client';

/** What a person typed into the one search box, by its form. */
export type Sought =
  | { form: 'nothing' }
  | { form: 'name'; text: string }
  | { form: 'identifier'; text: string }
  | { form: 'phone'; text: string }
  /** Digits that could be either. */
  | { form: 'number'; text: string };

/**
 * Han or letters: a name, its pinyin or initials. Eighteen characters of a resident id (last one a digit or X): the identifier. Eleven digits
 * starting with 1: a mobile phone. Other digits: file number or phone. Letters with digits (card and file numbers): an identifier.
 */
export function sought(typed: string): Sought {
  const text = typed.normalize('NFKC').trim();
  if (!text) return { form: 'nothing' };
  const packed = text.replace(/[\s-]/g, '');
  if (/^\d{17}[\dXx]$/.test(packed)) return { form: 'identifier', text: packed.toUpperCase() };
  if (/^1\d{10}$/.test(packed)) return { form: 'phone', text: packed };
  if (/^\d+$/.test(packed)) return { form: 'number', text: packed };
  if (/\d/.test(packed) && /^[0-9A-Za-z]{6,}$/.test(packed) && /\d{4,}/.test(packed))
    return { form: 'identifier', text: packed };
  return { form: 'name', text };
}

/** One search, or two whose answers are put together (a number may be an identifier or a phone, words a name or its pinyin). */
export function searchesFor(typed: string): Params[] {
  const found = sought(typed);
  switch (found.form) {
    case 'nothing':
      return [{}];
    case 'name':
      return namesFor(found.text);
    case 'identifier':
      return [{ identifier: found.text }];
    case 'phone':
      return [{ phone: found.text }];
    case 'number':
      return [{ identifier: found.text }, { phone: found.text }];
  }
}

/**
 * A name in several words: each must fit a part of the name ("Jacob King"); or it is the pinyin of a name ("wang xiaoming"), which is kept in one
 * word. A space within Han characters means nothing.
 */
function namesFor(text: string): Params[] {
  const words = text.split(/\s+/);
  if (words.length === 1) return [{ name: text }];
  const together = { name: words.join('') };
  return /\p{Script=Han}/u.test(text) ? [together] : [{ name: words }, together];
}

/** Worth asking the server while one still types: one Han character, two letters, four digits. */
export function enoughToAsk(typed: string): boolean {
  const text = typed.trim();
  return /\p{Script=Han}/u.test(text) || (/^\D*$/.test(text) ? text.length >= 2 : text.length >= 4);
}
