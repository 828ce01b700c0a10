import type { Bundle, FhirResource, OperationOutcome, Parameters, Resource } from 'fhir/r4';
import { accessToken, refreshed, sessionEnded } from '../access/session';
import { connectionIsBack, connectionLost } from './connection';
import { Problem, problemFrom } from './problem';

/** The one way pages talk to the server. Every failure is a `Problem`; every request carries an X-Request-Id of ours. */

/** Search parameters; `undefined` and empty values are left out, arrays repeat the parameter. */
export type Params = Record<string, string | number | boolean | readonly string[] | undefined>;

export interface Page<T extends Resource> {
  readonly matches: readonly T[];
  /** Resources that came along (`_include`, `$worklist`), by "Type/id". */
  readonly included: ReadonlyMap<string, FhirResource>;
  /** True count of all matches when the server was asked for it. */
  readonly total: number | undefined;
  /** Path and query of the next page. */
  readonly next: string | undefined;
}

export interface Sending {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: unknown;
  /** Version the change rests on ("3" or `W/"3"`); the server refuses the change when it is no longer the current one. */
  ifMatch?: string | undefined;
  signal?: AbortSignal | undefined;
  headers?: Record<string, string>;
}

const FHIR_JSON = 'application/fhir+json';
const READ_TRIES = 3;

export function address(path: string, params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined || value === '') continue;
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value]) query.append(name, String(one));
  }
  const text = query.toString();
  return `/fhir/${path}${text ? `?${text}` : ''}`;
}

function newRequestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

async function send(path: string, sending: Sending): Promise<Response> {
  const { method = 'GET', body, ifMatch, signal } = sending;
  const headers: Record<string, string> = {
    Accept: FHIR_JSON,
    'X-Request-Id': newRequestId(),
    ...sending.headers,
  };
  const token = await accessToken();
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers['Content-Type'] = FHIR_JSON;
  if (ifMatch) headers['If-Match'] = ifMatch.startsWith('W/') ? ifMatch : `W/"${ifMatch}"`;
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    connectionLost();
    throw new Problem('unreachable', 0, [], headers['X-Request-Id'] ?? '');
  }
  connectionIsBack();
  if (answer.ok) return answer;
  const asked = Number(answer.headers.get('Retry-After'));
  throw problemFrom(
    answer.status,
    await answer.json().catch(() => null),
    answer.headers.get('X-Request-Id') ?? headers['X-Request-Id'] ?? '',
    Number.isFinite(asked) && asked > 0 ? asked : null,
  );
}

/**
 * Sends one request. A token that is no longer good is renewed once; reads that got no answer or found the server busy are tried again
 * (after 0.4 s, then 1.2 s). Changes are never repeated by themselves: the first try may have been carried out.
 */
export async function request(path: string, sending: Sending = {}): Promise<Response> {
  const reading = (sending.method ?? 'GET') === 'GET';
  let renewed = false;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send(path, sending);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.kind === 'signed-out') {
        if (!renewed && (await refreshed())) {
          renewed = true;
          continue;
        }
        sessionEnded();
        throw error;
      }
      const worthWaiting = error.kind === 'unreachable' || error.kind === 'busy';
      if (!reading || !worthWaiting || attempt >= READ_TRIES) throw error;
      await pause(Math.min((error.retryAfter ?? 0) * 1000 || 400 * 3 ** (attempt - 1), 5000));
    }
  }
}

async function json<T>(path: string, sending: Sending = {}): Promise<T> {
  const answer = await request(path, sending);
  if (answer.status === 204) return undefined as T;
  try {
    return (await answer.json()) as T;
  } catch {
    throw new Problem('broken', answer.status, [], answer.headers.get('X-Request-Id') ?? '');
  }
}

export function read<T extends FhirResource>(type: T['resourceType'], id: string, signal?: AbortSignal): Promise<T> {
  return json<T>(address(`${type}/${encodeURIComponent(id)}`), { signal });
}

export async function search<T extends FhirResource>(
  type: string,
  params: Params,
  signal?: AbortSignal,
): Promise<Page<T>> {
  return pageOf<T>(await json<Bundle>(address(type, params), { signal }));
}

/** The page behind a `next` link. Several links, one a line, are followed one after the other. */
export async function nextPage<T extends FhirResource>(next: string, signal?: AbortSignal): Promise<Page<T>> {
  const [link = '', ...later] = next.split('\n');
  const page = pageOf<T>(await json<Bundle>(link, { signal }));
  return { ...page, next: linksOneByOne(page.next, ...later) };
}

export function linksOneByOne(...links: (string | undefined)[]): string | undefined {
  return links.filter(Boolean).join('\n') || undefined;
}

export function create<T extends FhirResource>(resource: T): Promise<T> {
  return json<T>(address(resource.resourceType), { method: 'POST', body: resource });
}

export function update<T extends FhirResource>(resource: T): Promise<T> {
  return json<T>(address(`${resource.resourceType}/${resource.id ?? ''}`), {
    method: 'PUT',
    body: resource,
    ifMatch: resource.meta?.versionId,
  });
}

/** Runs an operation, `Task/123/$act` or `ServiceRequest/$refer`, with Parameters in the body. */
export function operate<T extends Resource = Parameters>(
  path: string,
  parameters: Parameters | FhirResource,
  ifMatch?: string,
): Promise<T> {
  return json<T>(address(path), { method: 'POST', body: parameters, ifMatch });
}

/** Asks an operation that only reads, `Task/$worklist-counts`, for one resource. */
export function ask<T extends Resource>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  return json<T>(address(path, params), { signal });
}

/** A printed sheet (`Task/{id}/$slip`), to open in a window of its own. */
export async function sheet(path: string, params: Params = {}): Promise<Blob> {
  const answer = await request(address(path, params), { headers: { Accept: 'application/pdf' } });
  return answer.blob();
}

export function pageOf<T extends FhirResource>(bundle: Bundle): Page<T> {
  const matches: T[] = [];
  const included = new Map<string, FhirResource>();
  for (const entry of bundle.entry ?? []) {
    const resource = entry.resource as FhirResource | undefined;
    if (!resource || (resource as OperationOutcome).resourceType === 'OperationOutcome') continue;
    if (entry.search?.mode === 'include') included.set(`${resource.resourceType}/${resource.id ?? ''}`, resource);
    else matches.push(resource as T);
  }
  const next = bundle.link?.find((link) => link.relation === 'next')?.url;
  return { matches, included, total: bundle.total, next: next === undefined ? undefined : onThisServer(next) };
}

/** Links of the server are absolute; behind a proxy their host may be another one than the page's. Path and query are what we need. */
function onThisServer(url: string): string {
  const parsed = new URL(url, location.origin);
  return parsed.pathname + parsed.search;
}
