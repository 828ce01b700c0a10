import type { Bundle } from 'fhir/r4';
import { beforeEach, expect, test, vi } from 'vitest';
import { nextPage } from '../client/client';
import { findPatients } from './find';

const answers = new Map<string, Bundle>();
const asked: string[] = [];

const bundle = (ids: string[], total: number, next?: string): Bundle => ({
  resourceType: 'Bundle',
  type: 'searchset',
  total,
  link: next ? [{ relation: 'next', url: next }] : [],
  entry: ids.map((id) => ({ resource: { resourceType: 'Patient', id }, search: { mode: 'match' as const } })),
});

beforeEach(() => {
  answers.clear();
  asked.length = 0;
  vi.stubGlobal('fetch', (url: string) => {
    asked.push(url);
    return Promise.resolve(new Response(JSON.stringify(answers.get(url) ?? bundle([], 0))));
  });
});

const signal = new AbortController().signal;
const ids = (page: { matches: readonly { id?: string }[] }) => page.matches.map((one) => one.id);

test('a number is looked for as identifier and as phone, each patient once', async () => {
  answers.set('/fhir/Patient?identifier=0883&gender=male', bundle(['a', 'b'], 2));
  answers.set('/fhir/Patient?phone=0883&gender=male', bundle(['b', 'c'], 2));
  const page = await findPatients('0883', { gender: 'male' }, signal);
  expect(ids(page)).toEqual(['a', 'b', 'c']);
  expect(page.total).toBe(3);
});

test('a name with parts and its pinyin; further pages of both are followed, none is lost', async () => {
  answers.set('/fhir/Patient?name=zhang&name=wei', bundle(['a'], 2, '/fhir/Patient?_cursor=1'));
  answers.set('/fhir/Patient?name=zhangwei', bundle(['x'], 2, '/fhir/Patient?_cursor=2'));
  answers.set('/fhir/Patient?_cursor=1', bundle(['b'], 2));
  answers.set('/fhir/Patient?_cursor=2', bundle(['y'], 2));
  const first = await findPatients('zhang wei', {}, signal);
  expect(first.total).toBeUndefined();
  const second = await nextPage(first.next ?? '', signal);
  const third = await nextPage(second.next ?? '', signal);
  expect([ids(second), ids(third), third.next]).toEqual([['b'], ['y'], undefined]);
});

test('a plain name is one question, and its total is the true one', async () => {
  answers.set('/fhir/Patient?name=%E7%8E%8B', bundle(['a'], 40));
  expect((await findPatients('王', {}, signal)).total).toBe(40);
  expect(asked).toHaveLength(1);
});
