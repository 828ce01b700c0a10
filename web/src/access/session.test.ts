import { beforeEach, expect, test, vi } from 'vitest';

const DRAFT = 'yilian.kept.refer.p1';
const claims = (sub: string) =>
  btoa(JSON.stringify({ sub })).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const tokenOf = (sub: string) => `head.${claims(sub)}.tail`;

let left: string[];

/** The session afresh, as after a reload, with a token in the tab or without. */
async function open(token: string | null) {
  vi.resetModules();
  if (token)
    sessionStorage.setItem(
      'yilian.token',
      JSON.stringify({ access: token, refresh: 'r1', expires: Date.now() + 300_000 }),
    );
  return import('./session');
}

async function comeBackAs(sub: string) {
  const session = await open(null);
  sessionStorage.setItem('yilian.sign-in', JSON.stringify({ verifier: 'v', nonce: 'n', returnTo: '/worklist' }));
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(JSON.stringify({ access_token: tokenOf(sub) }))));
  expect(await session.finishSignIn(new URLSearchParams({ code: 'c', state: 'n' }))).toBe('/worklist');
}

const draft = () => sessionStorage.getItem(DRAFT);

beforeEach(() => {
  left = [];
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(null, { status: 200 })));
  vi.spyOn(location, 'assign').mockImplementation((to) => void left.push(String(to)));
});

test('signing out throws away the token and every draft, and nothing of others', async () => {
  const session = await open(tokenOf('gp'));
  sessionStorage.setItem(DRAFT, '{"at":"","value":"李秀英"}');
  sessionStorage.setItem('theirs', 'x');
  localStorage.setItem('yilian.language', 'en');
  await session.signOut();
  expect(left).toEqual(['/signed-out']);
  expect(Object.keys(sessionStorage)).toEqual(['theirs']);
  expect(localStorage.getItem('yilian.language')).toBe('en');
});

test('also without a connection', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('offline')));
  const session = await open(tokenOf('gp'));
  sessionStorage.setItem(DRAFT, 'x');
  await session.signOut();
  expect(draft()).toBeNull();
});

test('a session that ended leaves the drafts to who signs in again', async () => {
  await comeBackAs('gp');
  sessionStorage.setItem(DRAFT, 'x');
  const session = await open(tokenOf('gp'));
  session.sessionEnded();
  expect(draft()).toBe('x');
  await comeBackAs('gp');
  expect(draft()).toBe('x');
});

test('and to nobody else', async () => {
  await comeBackAs('gp');
  sessionStorage.setItem(DRAFT, 'x');
  (await open(tokenOf('gp'))).sessionEnded();
  await comeBackAs('gp2');
  expect(draft()).toBeNull();
  expect(JSON.parse(sessionStorage.getItem('yilian.token') ?? '{}')).toMatchObject({ access: tokenOf('gp2') });
});
