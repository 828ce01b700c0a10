import { useSyncExternalStore } from 'react';

/**
 * Whether the server can be reached. The client reports every request that got no answer; from then on we ask `/healthz` until it answers,
 * and tell the listeners, so that the bar "连接中断" goes by itself.
 */
let lost = false;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();
const ASK_EVERY_MS = 3000;

function set(value: boolean): void {
  if (lost === value) return;
  lost = value;
  for (const listener of listeners) listener();
}

async function ask(): Promise<void> {
  if (await reachable()) {
    connectionIsBack();
    return;
  }
  timer = setTimeout(() => void ask(), ASK_EVERY_MS);
}

/** A request got no answer. */
export function connectionLost(): void {
  if (lost) return;
  set(true);
  timer = setTimeout(() => void ask(), ASK_EVERY_MS);
}

/** A request was answered (whatever the answer). */
export function connectionIsBack(): void {
  clearTimeout(timer);
  set(false);
}

export function onConnectionChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

/** Resolves when the server can be reached again; at once when it can. */
export function connected(): Promise<void> {
  if (!lost) return Promise.resolve();
  return new Promise((done) => {
    const stop = onConnectionChange(() => {
      stop();
      done();
    });
  });
}

/** Whether the server answers right now. */
export async function reachable(): Promise<boolean> {
  try {
    return (await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(5000) })).ok;
  } catch {
    return false;
  }
}

export const isConnectionLost = (): boolean => lost;

export function useConnectionLost(): boolean {
  return useSyncExternalStore(onConnectionChange, isConnectionLost);
}
