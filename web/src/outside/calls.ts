import { problemFrom } from '../client/problem';

/** What the page of an institution outside the platform asks of the server: `/outside/…`, with a cookie of its own and no account. */

export interface Line {
  readonly by: string;
  readonly time: string;
  readonly text: string;
}

export interface Step {
  readonly code: string;
  readonly primary: boolean;
  readonly danger: boolean;
}

export interface Shown {
  readonly version: number;
  readonly state: string;
  readonly due: string | null;
  readonly answering: string;
  readonly slip: Readonly<Record<string, string>>;
  readonly outcome: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
  readonly talk: readonly Line[];
}

export interface Done {
  readonly state: string;
  readonly open: boolean;
}

/** What may be typed with each step, and whether it must be: the table of the server (`referral/outside/answering.py`). */
export const FIELDS: Readonly<Record<string, readonly Field[]>> = {
  receive: [],
  accept: [
    { name: 'start', kind: 'time' },
    { name: 'place', kind: 'line' },
    { name: 'doctor', kind: 'line' },
    { name: 'note', kind: 'text' },
  ],
  decline: [
    { name: 'reason', kind: 'reason', must: true },
    { name: 'note', kind: 'text' },
  ],
  ask: [{ name: 'question', kind: 'text', must: true }],
  arrive: [{ name: 'note', kind: 'text' }],
  plan: [{ name: 'plan', kind: 'text', must: true }],
  report: [{ name: 'note', kind: 'text', must: true }],
  complete: [
    { name: 'diagnosis', kind: 'line', must: true },
    { name: 'treatment', kind: 'text', must: true },
    { name: 'advice', kind: 'text', must: true },
    { name: 'findings', kind: 'text' },
    { name: 'medication', kind: 'text' },
    { name: 'nextVisit', kind: 'day' },
    { name: 'recordNumber', kind: 'line' },
  ],
};

export interface Field {
  readonly name: string;
  readonly kind: 'line' | 'text' | 'time' | 'day' | 'reason';
  readonly must?: true;
}

/** What stands behind the # of the address: 64 letters and digits; empty for anything else. */
export function secretOf(hash: string): string {
  const found = hash.replace(/^#/, '');
  return /^[0-9a-f]{64}$/.test(found) ? found : '';
}

/** What is missing of a step, by name. */
export function lacking(code: string, given: Readonly<Record<string, string>>): string[] {
  return (FIELDS[code] ?? []).flatMap(({ name, must }) => (must && !given[name]?.trim() ? [name] : []));
}

async function send(path: string, body?: unknown): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(`/outside/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        Accept: 'application/json',
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw problemFrom(0, null, '', null);
  }
  if (answer.ok) return answer;
  const wait = Number(answer.headers.get('Retry-After')) || null;
  const number = answer.headers.get('X-Request-Id') ?? '';
  throw problemFrom(answer.status, await answer.json().catch(() => null), number, wait);
}

export const open = async (link: string, code: string, number: string, name: string): Promise<void> =>
  void (await send('open', { link, code, number, name }));

export const askForCode = async (link: string): Promise<void> => void (await send('code', { link }));

export const readReferral = async (): Promise<Shown> => (await (await send('referral')).json()) as Shown;

export const act = async (version: number, action: string, given: Record<string, string>): Promise<Done> =>
  (await (await send('act', { version, action, given })).json()) as Done;

export const say = async (text: string): Promise<void> => void (await send('say', { text }));

export const leave = async (): Promise<void> => void (await send('leave', {}));
