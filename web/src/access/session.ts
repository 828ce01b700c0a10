import { useSyncExternalStore } from 'react';
import { challengeOf, randomText } from './pkce';

/**
 * Who is signed in, as far as this tab knows. OAuth 2 authorization code with PKCE by redirect (RFC 7636, SMART App Launch 2):
 * the server's session cookie proves the person, the token lives in sessionStorage and dies with the tab.
 */

export const CLIENT_ID = 'yilian-web';
const SCOPE = 'openid fhirUser profile online_access user/*.* patient/*.read';
const TOKEN = 'yilian.token';
const PENDING = 'yilian.sign-in';
const DRAFTS_OF = 'yilian.drafts-of';
/** Where who was signed in by an institution's own account signs out there too: for the page that follows. */
export const SIGNED_IN_AT = 'signed-in-at';
/** What this tab keeps has a name that begins so. */
const OURS = 'yilian.';
/** A token is renewed when it has less than this left, so that none dies under way. */
const RENEW_BEFORE_MS = 60_000;

interface Token {
  access: string;
  refresh: string | null;
  /** Milliseconds since 1970. */
  expires: number;
}

interface TokenAnswer {
  access_token: string;
  refresh_token?: string;
  expires_in?: number;
}

/** 'in' a token is held · 'out' none · 'ended' there was one and the server no longer takes it. */
export type SessionState = 'in' | 'out' | 'ended';

let token: Token | null = stored();
let state: SessionState = token ? 'in' : 'out';
let renewing: Promise<boolean> | null = null;
const listeners = new Set<() => void>();

function stored(): Token | null {
  try {
    const text = sessionStorage.getItem(TOKEN);
    return text ? (JSON.parse(text) as Token) : null;
  } catch {
    return null;
  }
}

function keep(answer: TokenAnswer | null, next: SessionState): void {
  token = answer && {
    access: answer.access_token,
    refresh: answer.refresh_token ?? token?.refresh ?? null,
    expires: Date.now() + (answer.expires_in ?? 300) * 1000,
  };
  if (token) sessionStorage.setItem(TOKEN, JSON.stringify(token));
  else sessionStorage.removeItem(TOKEN);
  state = next;
  for (const listener of listeners) listener();
}

async function askForToken(form: Record<string, string>): Promise<Response> {
  return fetch('/oauth2/token', {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' },
    body: new URLSearchParams({ client_id: CLIENT_ID, ...form }),
  });
}

async function renew(): Promise<boolean> {
  if (!token?.refresh) return false;
  let answer: Response;
  try {
    answer = await askForToken({ grant_type: 'refresh_token', refresh_token: token.refresh });
  } catch {
    // The server is away: the old token may still do, and nobody is signed out by a broken cable.
    return false;
  }
  if (!answer.ok) return false;
  keep((await answer.json()) as TokenAnswer, 'in');
  return true;
}

/** Renews the token, once for all who ask at the same time. False: there is no way to renew it. */
export function refreshed(): Promise<boolean> {
  renewing ??= renew().finally(() => {
    renewing = null;
  });
  return renewing;
}

/** The token for the next request, renewed before it runs out; null when signed out. */
export async function accessToken(): Promise<string | null> {
  if (token && token.expires - Date.now() < RENEW_BEFORE_MS) await refreshed();
  return token?.access ?? null;
}

/** The server refused the token and there is no renewing it. */
export function sessionEnded(): void {
  if (state === 'in') keep(null, 'ended');
}

/** Leaves for the server's sign-in; it comes back to `/signed-in`, and from there to `returnTo` (path and query of this site). */
export async function beginSignIn(returnTo: string): Promise<void> {
  const verifier = randomText(48);
  const nonce = randomText(16);
  sessionStorage.setItem(PENDING, JSON.stringify({ verifier, nonce, returnTo }));
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: CLIENT_ID,
    redirect_uri: `${location.origin}/signed-in`,
    scope: SCOPE,
    state: nonce,
    code_challenge: await challengeOf(verifier),
    code_challenge_method: 'S256',
    aud: `${location.origin}/fhir`,
  });
  location.assign(`/oauth2/authorize?${query}`);
}

/** Turns the code the server sent back into a token. Returns where to go on; throws 'not-ours' | 'refused' when it cannot. */
export async function finishSignIn(query: URLSearchParams): Promise<string> {
  const text = sessionStorage.getItem(PENDING);
  const pending = text ? (JSON.parse(text) as { verifier: string; nonce: string; returnTo: string }) : null;
  const code = query.get('code');
  if (!pending || !code || query.get('state') !== pending.nonce) throw new Error('not-ours');
  sessionStorage.removeItem(PENDING);
  const answer = await askForToken({
    grant_type: 'authorization_code',
    code,
    redirect_uri: `${location.origin}/signed-in`,
    code_verifier: pending.verifier,
  });
  if (!answer.ok) throw new Error('refused');
  const given = (await answer.json()) as TokenAnswer;
  keepDraftsOf(subjectOf(given.access_token));
  keep(given, 'in');
  return pending.returnTo.startsWith('/') && !pending.returnTo.startsWith('//') ? pending.returnTo : '/';
}

/** Gives the token back, ends the server's session and forgets everything this tab knew. */
export async function signOut(): Promise<void> {
  const held = token;
  try {
    if (held) {
      const body = new URLSearchParams({ client_id: CLIENT_ID, token: held.refresh ?? held.access });
      await fetch('/oauth2/revoke', { method: 'POST', body });
    }
    const answer = await fetch('/oauth2/sign-out', {
      method: 'POST',
      ...(held ? { headers: { Authorization: `Bearer ${held.access}` } } : {}),
    });
    const said = answer.status === 200 ? await answer.text() : '';
    if (said.includes('"provider"')) sessionStorage.setItem(SIGNED_IN_AT, said);
    else sessionStorage.removeItem(SIGNED_IN_AT);
  } catch {
    // Without a connection the server cannot be told; the token dies with this tab all the same.
  }
  // Nobody is told: the pages would start a new sign-in before the browser has left them.
  token = null;
  forgetEverything();
  location.assign('/signed-out');
}

/** Throws away what this tab keeps: the token, and drafts of forms, which tell of patients. What the browser keeps of one's likes stays. */
export function forgetEverything(): void {
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(OURS)) sessionStorage.removeItem(name);
}

/** Whose token this is (`sub`); '' where it cannot be read. Only to know one's own drafts: the server is who verifies tokens. */
function subjectOf(access: string): string {
  try {
    const claims = atob((access.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'));
    return String((JSON.parse(claims) as { sub?: unknown }).sub ?? '');
  } catch {
    return '';
  }
}

/** Drafts outlive a session that ended, for who signs in again; for nobody else. */
function keepDraftsOf(subject: string): void {
  if (sessionStorage.getItem(DRAFTS_OF) !== subject) forgetEverything();
  sessionStorage.setItem(DRAFTS_OF, subject);
}

export function useSession(): SessionState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}
