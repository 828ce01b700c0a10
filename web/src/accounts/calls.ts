import { accessToken, sessionEnded } from '../access/session';
import { Problem, problemFrom } from '../client/problem';

/**
 * Requests about accounts (`/oauth2/account…` by the session cookie, `/oauth2/accounts…` by the token). Plain JSON, no FHIR. Every failure is a
 * `Problem`. Nothing is tried twice: most of them change something.
 */

interface Call {
  body?: unknown;
  /** Sent as it is, with this type, instead of JSON. */
  file?: { type: string; content: Blob };
  /** By the token, where somebody acts for others. */
  token?: boolean;
  signal?: AbortSignal;
}

export async function call<T>(path: string, { body, file, token, signal }: Call = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  const held = token ? await accessToken() : null;
  if (held) headers.Authorization = `Bearer ${held}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (file) headers['Content-Type'] = file.type;
  const sent = file ? file.content : body === undefined ? undefined : JSON.stringify(body);
  let answer: Response;
  try {
    answer = await fetch(`/oauth2/${path}`, {
      method: sent === undefined ? 'GET' : 'POST',
      headers,
      ...(sent === undefined ? {} : { body: sent }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem('unreachable', 0, [], '');
  }
  if (answer.status === 204) return undefined as T;
  const said: unknown = await answer.json().catch(() => null);
  if (answer.ok) return said as T;
  const wait = Number(answer.headers.get('Retry-After')) || null;
  throw problemFrom(answer.status, said, answer.headers.get('X-Request-Id') ?? '', wait);
}

/** The same for a page inside the frame: a sign-in that has ended is told to the whole frame. */
export async function callSignedIn<T>(path: string, options: Call = {}): Promise<T> {
  try {
    return await call<T>(path, options);
  } catch (error) {
    if (error instanceof Problem && error.kind === 'signed-out') sessionEnded();
    throw error;
  }
}

export interface Passkey {
  id: string;
  label: string;
  created: string;
  used: string | null;
}

export interface OwnAccount {
  name: string;
  display: string;
  step: '' | 'second-factor' | 'password' | 'enrol';
  password: { changed: string | null; until: string | null };
  rules: { length: number; classes: number; history: number };
  secondFactor: { needed: boolean; app: string | null; passkeys: Passkey[]; recoveryCodes: number };
}

export interface Device {
  id: string;
  browser: string;
  address: string;
  started: string;
  seen: string;
  factors: string[];
  here: boolean;
  apps: { client: string; name: string; since: string }[];
}

/** What enrolling a second factor gives back: recovery codes where there were none, and the next step of a sign-in under way. */
export interface Enrolled {
  recoveryCodes: string[];
  next: OwnAccount['step'];
}

export interface GivenPost {
  role: string;
  institution: string;
  institutionName?: string;
}

export interface ManagedAccount {
  name: string;
  display: string;
  posts: GivenPost[];
  disabled: string | null;
  lockedUntil: string | null;
  until: string | null;
  signedIn: string | null;
  created: string;
  mustChange: boolean;
  secondFactor: boolean;
  /** Everything about it is ours to change. */
  whole: boolean;
}

export interface Givable {
  roles: { code: string; zh: string }[];
  /** Null: anywhere. */
  places: { reference: string; name: string }[] | null;
}

export interface ImportLine {
  line: number;
  user: string;
  name: string;
  post: string;
  outcome: 'added' | 'would-be-added' | 'exists' | 'refused';
  text: string;
  zh: string;
  password: string;
}
