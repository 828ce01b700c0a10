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
  try {
    const answer = await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(5000) });
    if (answer.ok) {
      connectionIsBack();
      return;
    }
  } catch {
    // Still away: ask again.
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
  return () => listeners.delete(listener);
}

export const isConnectionLost = (): boolean => lost;

export function useConnectionLost(): boolean {
  return useSyncExternalStore(onConnectionChange, isConnectionLost);
}
