import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connectionIsBack, isConnectionLost } from '../client/connection';
import { fetchPart } from './parts';

const reload = vi.fn();
let healthy: boolean;

beforeEach(() => {
  reload.mockClear();
  vi.stubGlobal('fetch', () =>
    healthy ? Promise.resolve(new Response('{}')) : Promise.reject(new TypeError('network')),
  );
  vi.stubGlobal('location', { reload });
});
afterEach(() => vi.unstubAllGlobals());

test('without a connection a part is waited for and fetched again', async () => {
  healthy = false;
  const load = vi
    .fn<() => Promise<string>>()
    .mockRejectedValueOnce(new TypeError('import failed'))
    .mockResolvedValue('part');
  const part = fetchPart(load);
  await vi.waitFor(() => expect(isConnectionLost()).toBe(true));
  connectionIsBack();
  expect(await part).toBe('part');
  expect(reload).not.toHaveBeenCalled();
});

test('a part that a newer build no longer has loads the page anew, once', async () => {
  healthy = true;
  const gone = () => Promise.reject<string>(new TypeError('404'));
  void fetchPart(gone);
  await vi.waitFor(() => expect(reload).toHaveBeenCalledOnce());
  await expect(fetchPart(gone)).rejects.toThrow('404');
  expect(reload).toHaveBeenCalledOnce();
});
