import { describe, expect, test } from 'vitest';
import { en } from './en';
import { fill, type Key } from './locale';
import { zh } from './zh';

const keys = Object.keys(zh) as Key[];
const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

/** Texts that are the same in every language. */
const SAME = /^top\.lang$/;

describe('the words', () => {
  test('are there in both languages', () => {
    expect(Object.keys(en).sort()).toEqual([...keys].sort());
  });

  test('have the same places to fill in', () => {
    expect(keys.filter((key) => places(en[key]).join() !== places(zh[key]).join())).toEqual([]);
  });

  test('English has no Chinese left in it, but for the switch', () => {
    expect(keys.filter((key) => /\p{Script=Han}/u.test(en[key]) && !SAME.test(key))).toEqual([]);
  });

  test('Chinese is Chinese, but for the switch and mere placeholders', () => {
    const bare = (key: Key) => zh[key].replace(/\{\w+\}/g, '');
    expect(
      keys.filter((key) => /[A-Za-z]{3,}/.test(bare(key)) && !/\p{Script=Han}/u.test(zh[key]) && !SAME.test(key)),
    ).toEqual([]);
  });

  test('Chinese has Chinese punctuation', () => {
    expect(keys.filter((key) => /\p{Script=Han}[,;()?!]/u.test(zh[key]))).toEqual([]);
  });
});

test('a text is filled in, and what is missing stays to be seen', () => {
  expect(fill('{n} / {total}', { n: 3 })).toBe('3 / {total}');
});
