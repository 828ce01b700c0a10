import { useEffect, useRef } from 'react';
import { accessToken, refreshed } from '../access/session';

/**
 * Calls of the server (`GET /events`): something changed, look again. One stream for all windows of a browser where it can be shared (a browser
 * has six connections to a server): the window that holds the lock listens and tells the others. Read with `fetch`, since the token belongs in
 * a header and never in an address.
 */
export const TOPICS = ['inbox', 'referrals', 'conversation', 'bookings', 'beds'] as const;
export type Topic = (typeof TOPICS)[number];

export interface Called {
  readonly topic: Topic;
  /** Of what: `tagOf("Task/…")`; 0 for several things. */
  readonly tag: number;
}

type Listener = (called: Called) => void;

const AGAIN_MS = 2_000;
const REFUSED_AGAIN_MS = 60_000;
const listeners = new Set<Listener>();

/** CRC-32, as the server counts it. */
export function tagOf(reference: string): number {
  let sum = 0xffffffff;
  for (const byte of new TextEncoder().encode(reference)) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ 0xffffffff) >>> 0;
}

function tell(called: Called): void {
  for (const listener of [...listeners]) listener(called);
}

const isCalled = (value: unknown): value is Called =>
  typeof value === 'object' && value !== null && TOPICS.includes((value as Called).topic);

/** Events of a text/event-stream, as far as they have come; the rest is kept for later. */
export function eventsOf(text: string): { events: { name: string; data: string }[]; rest: string } {
  const parts = text.split('\n\n');
  const rest = parts.pop() ?? '';
  const events = parts.flatMap((part) => {
    const lines = part.split('\n');
    const name = lines.find((line) => line.startsWith('event: '))?.slice(7);
    const data = lines.find((line) => line.startsWith('data: '))?.slice(6) ?? '{}';
    return name ? [{ name, data }] : [];
  });
  return { events, rest };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      done();
    });
  });
}

async function listen(signal: AbortSignal, hear: Listener): Promise<void> {
  let before = false;
  while (!signal.aborted) {
    let wait = AGAIN_MS + Math.random() * AGAIN_MS;
    try {
      const token = await accessToken();
      if (!token) return;
      const answer = await fetch('/events', {
        headers: { Accept: 'text/event-stream', Authorization: `Bearer ${token}` },
        signal,
      });
      if (answer.ok && answer.body) {
        if (before) for (const topic of TOPICS) hear({ topic, tag: 0 });
        before = true;
        await readAll(answer.body, hear);
      } else if (answer.status !== 401 || !(await refreshed())) {
        wait = REFUSED_AGAIN_MS;
      }
    } catch {
      // The server is away, or the connection broke: come back in a while.
    }
    await pause(wait, signal);
  }
}

async function readAll(body: ReadableStream<Uint8Array>, hear: Listener): Promise<void> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>)
    .getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const { events, rest } = eventsOf(text + value);
    text = rest;
    for (const { name, data } of events) {
      if (name === 'missed') for (const topic of TOPICS) hear({ topic, tag: 0 });
      const called: unknown = name === 'changed' ? JSON.parse(data) : null;
      if (isCalled(called)) hear(called);
    }
  }
}

/** Listens for this person until it is stopped. */
export function startLive(who: string): () => void {
  const ending = new AbortController();
  const name = `yilian-live ${who}`;
  const channel = 'BroadcastChannel' in window ? new BroadcastChannel(name) : null;
  if (channel) channel.onmessage = ({ data }) => isCalled(data) && tell(data);
  const hear = (called: Called) => {
    tell(called);
    channel?.postMessage(called);
  };
  const ended = () => undefined;
  if (channel && 'locks' in navigator && navigator.locks) {
    void navigator.locks.request(name, { signal: ending.signal }, () => listen(ending.signal, hear)).catch(ended);
  } else {
    void listen(ending.signal, hear);
  }
  return () => {
    ending.abort();
    channel?.close();
  };
}

/** Calls `look` when something of these topics changed. */
export function useLive(topics: readonly Topic[], look: (called: Called) => void): void {
  const latest = useRef(look);
  latest.current = look;
  const wanted = topics.join();
  useEffect(() => {
    const listener: Listener = (called) => {
      if (wanted.split(',').includes(called.topic)) latest.current(called);
    };
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, [wanted]);
}
