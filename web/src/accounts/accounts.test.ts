import { expect, test } from 'vitest';
import { browserName } from './browser';
import { bytes, text } from './passkey';

test('bytes go to base64url and back', () => {
  const all = Uint8Array.from({ length: 256 }, (_, n) => n);
  expect(bytes(text(all.buffer))).toEqual(all);
  expect(text(Uint8Array.of(251, 255).buffer)).toBe('-_8');
});

test('a browser is called as people call it', () => {
  const agent =
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36';
  expect(browserName(agent)).toBe('Chrome · Windows');
  expect(browserName(`${agent} Edg/140.0`)).toBe('Edge · Windows');
  expect(browserName('curl/8')).toBe('');
});
