import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Problem } from './problem';

/** Each test gets the client and the session afresh, with a token in the tab. */
async function open(token: { access: string; refresh: string | null; expires: number } | null) {
  vi.resetModules();
  if (token) sessionStorage.setItem('yilian.token', JSON.stringify(token));
  return {
    client: await import('./client'),
    problem: await import('./problem'),
    connection: await import('./connection'),
  };
}

const good = () => ({ access: 'a1', refresh: 'r1', expires: Date.now() + 300_000 });
const json = (body: unknown, init: ResponseInit = {}) => new Response(JSON.stringify(body), { status: 200, ...init });
const outcome = (zh: string) => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code: 'invalid', diagnostics: 'no', details: { text: zh } }],
});

let calls: { url: string; init: RequestInit }[];
let answers: (Response | Error)[];

beforeEach(() => {
  calls = [];
  answers = [];
  vi.stubGlobal('fetch', (url: string, init: RequestInit = {}) => {
    calls.push({ url, init });
    const next = answers.shift() ?? new Error('unexpected request');
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  });
});

const header = (place: number, name: string) => new Headers(calls[place]?.init.headers).get(name);

describe('a request', () => {
  test('carries the token, a request id and what it accepts', async () => {
    const { client } = await open(good());
    answers = [json({ resourceType: 'Patient', id: '1' })];
    await client.read('Patient', '1');
    expect(calls[0]?.url).toBe('/fhir/Patient/1');
    expect(header(0, 'Authorization')).toBe('Bearer a1');
    expect(header(0, 'X-Request-Id')).toMatch(/^[0-9a-f]{16}$/);
    expect(header(0, 'Accept')).toBe('application/fhir+json');
  });

  test('leaves empty parameters out and repeats lists', async () => {
    const { client } = await open(good());
    expect(client.address('Patient', { name: '王', phone: '', x: undefined, birthdate: ['le2000', 'gt1990'] })).toBe(
      '/fhir/Patient?name=%E7%8E%8B&birthdate=le2000&birthdate=gt1990',
    );
  });

  test('rests a change on the version it was made from', async () => {
    const { client } = await open(good());
    answers = [json({}), json({})];
    await client.update({ resourceType: 'Patient', id: '1', meta: { versionId: '3' } });
    await client.operate('Task/1/$act', { resourceType: 'Parameters' }, 'W/"7"');
    expect(header(0, 'If-Match')).toBe('W/"3"');
    expect(header(1, 'If-Match')).toBe('W/"7"');
    expect(calls[1]).toMatchObject({ url: '/fhir/Task/1/$act', init: { method: 'POST' } });
  });
});

describe('a page of results', () => {
  test('keeps matches and what came along apart, and the way to the next page on this server', async () => {
    const { client } = await open(good());
    answers = [
      json({
        resourceType: 'Bundle',
        total: 3,
        link: [{ relation: 'next', url: 'http://inner:9999/fhir/Patient?_cursor=abc' }],
        entry: [
          { resource: { resourceType: 'Patient', id: '1' }, search: { mode: 'match' } },
          { resource: { resourceType: 'Organization', id: 'o' }, search: { mode: 'include' } },
          { resource: { resourceType: 'OperationOutcome' }, search: { mode: 'outcome' } },
        ],
      }),
    ];
    const page = await client.search('Patient', {});
    expect(page.matches.map((one) => one.id)).toEqual(['1']);
    expect([...page.included.keys()]).toEqual(['Organization/o']);
    expect(page.total).toBe(3);
    expect(page.next).toBe('/fhir/Patient?_cursor=abc');
  });
});

describe('a failure', () => {
  test('is a Problem with the words of the server and the number to read out', async () => {
    const { client, problem } = await open(good());
    answers = [json(outcome('出生日期不对'), { status: 422, headers: { 'X-Request-Id': 'abc' } })];
    const failure = await client.read('Patient', '1').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(problem.Problem);
    expect(failure).toMatchObject({ kind: 'refused', status: 422, requestId: 'abc' });
    expect(problem.whatHappened(failure, (key) => key, 'zh')).toBe('出生日期不对');
    expect(problem.whatHappened(failure, (key) => key, 'en')).toBe('no');
  });

  test('of a page that is no FHIR is said in general words, never shown', async () => {
    const { client, problem } = await open(good());
    answers = [new Response('<html>nginx</html>', { status: 502 })];
    const failure = await client.read('Patient', '1').catch((error: unknown) => error);
    expect(problem.whatHappened(failure, (key) => key, 'zh')).toBe('problem.broken');
  });

  test('for want of a connection is tried again when reading, and the page is told', async () => {
    const { client, connection } = await open(good());
    answers = [new TypeError('network'), json({ resourceType: 'Patient' })];
    const seen: boolean[] = [];
    connection.onConnectionChange(() => seen.push(connection.isConnectionLost()));
    await client.read('Patient', '1');
    expect(calls).toHaveLength(2);
    expect(seen).toEqual([true, false]);
  });

  test('of a change is not repeated: it may have been carried out', async () => {
    const { client } = await open(good());
    answers = [new TypeError('network')];
    await expect(client.create({ resourceType: 'Patient' })).rejects.toMatchObject({ kind: 'unreachable' });
    expect(calls).toHaveLength(1);
  });
});

describe('the token', () => {
  test('is renewed before it runs out, once for requests at the same time', async () => {
    const { client } = await open({ ...good(), expires: Date.now() + 5_000 });
    answers = [json({ access_token: 'a2', refresh_token: 'r2', expires_in: 300 }), json({}), json({})];
    await Promise.all([client.read('Patient', '1'), client.read('Patient', '2')]);
    expect(calls.map((call) => call.url)).toEqual(['/oauth2/token', '/fhir/Patient/1', '/fhir/Patient/2']);
    expect(header(1, 'Authorization')).toBe('Bearer a2');
    expect(String(calls[0]?.init.body)).toContain('refresh_token=r1');
  });

  test('refused by the server is renewed once and the request sent again', async () => {
    const { client } = await open(good());
    answers = [
      json({}, { status: 401 }),
      json({ access_token: 'a2', expires_in: 300 }),
      json({ resourceType: 'Patient' }),
    ];
    await client.read('Patient', '1');
    expect(header(2, 'Authorization')).toBe('Bearer a2');
    expect(JSON.parse(sessionStorage.getItem('yilian.token') ?? '')).toMatchObject({ access: 'a2', refresh: 'r1' });
  });

  test('that cannot be renewed ends the session', async () => {
    const { client } = await open(good());
    answers = [json({}, { status: 401 }), json({}, { status: 400 })];
    await expect(client.read('Patient', '1')).rejects.toMatchObject({ kind: 'signed-out' });
    expect(sessionStorage.getItem('yilian.token')).toBeNull();
  });
});

test('a Problem knows the codes the server gave', () => {
  const problem = new Problem(
    'conflict',
    409,
    [{ severity: 'error', code: 'conflict', details: { coding: [{ code: 'open-referral' }] } }],
    '',
  );
  expect(problem.codes()).toEqual(['open-referral']);
});
