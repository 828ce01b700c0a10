import { afterEach, expect, test, vi } from 'vitest';
import { challengeOf, randomText } from './pkce';

afterEach(() => vi.unstubAllGlobals());

// RFC 7636, Appendix B.
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

test('the challenge is the one of the standard', async () => {
  expect(await challengeOf(VERIFIER)).toBe(CHALLENGE);
});

test('and the same on plain HTTP, where the browser has no crypto.subtle', async () => {
  vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) });
  expect(await challengeOf(VERIFIER)).toBe(CHALLENGE);
});

test('a verifier is long enough and of legal characters', () => {
  expect(randomText(48)).toMatch(/^[A-Za-z0-9_-]{64}$/);
});
