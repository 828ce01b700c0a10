import { type ComponentType, type LazyExoticComponent, lazy } from 'react';
import { connected, connectionLost, reachable } from '../client/connection';

/**
 * Parts of the pages are fetched when one goes there, and that can fail in two ways. The connection is away: wait for it and fetch again, the bar
 * above says so. Or the server has a newer build in which the file has another name: load the whole page anew, but not over and over.
 */

const RELOADED = 'yilian.reloaded';
const NOT_AGAIN_MS = 60_000;

export async function fetchPart<T>(load: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await load();
    } catch (error) {
      if (await reachable()) {
        reloadOnce(error);
        // The browser is leaving; nothing may be drawn meanwhile.
        return new Promise<T>(() => undefined);
      }
      connectionLost();
      await connected();
    }
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a component of any properties, as in React's own lazy().
export function lazyPart<T extends ComponentType<any>>(load: () => Promise<{ default: T }>): LazyExoticComponent<T> {
  return lazy(() => fetchPart(load));
}

function reloadOnce(error: unknown): void {
  const last = Number(sessionStorage.getItem(RELOADED) ?? 0);
  if (Date.now() - last < NOT_AGAIN_MS) throw error;
  sessionStorage.setItem(RELOADED, String(Date.now()));
  location.reload();
}
