import { describe, expect, test } from 'vitest';
import { eventsOf, tagOf } from './live';

describe('the stream', () => {
  test('gives whole events and keeps the rest', () => {
    const first = eventsOf('retry: 2000\n\n: here\n\nevent: changed\ndata: {"topic":"inbox","tag":0}\n\nevent: mis');
    expect(first.events).toEqual([{ name: 'changed', data: '{"topic":"inbox","tag":0}' }]);
    expect(eventsOf(`${first.rest}sed\ndata: {}\n\n`).events).toEqual([{ name: 'missed', data: '{}' }]);
  });

  test('tags are those of the server', () => {
    expect(tagOf('123456789')).toBe(0xcbf43926);
    expect(tagOf('')).toBe(0);
  });
});
