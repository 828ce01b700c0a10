import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, renderHook } from '@testing-library/react';
import type { Parameters, Task } from 'fhir/r4';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ask } from '../../client/client';
import { useLegal } from './useLegal';

vi.mock('../../client/client', () => ({ ask: vi.fn() }));
const asked = vi.mocked(ask);

const TASK = { resourceType: 'Task', id: '7', meta: { versionId: '3' }, status: 'accepted', intent: 'order' } as Task;
const says = (codes: string[], now?: string, time?: string): Parameters => ({
  resourceType: 'Parameters',
  parameter: [
    ...codes.map((code) => ({ name: 'action', part: [{ name: 'code', valueCode: code }] })),
    ...(now && time
      ? [
          {
            name: 'changes',
            part: [
              { name: 'time', valueInstant: time },
              { name: 'now', valueInstant: now },
            ],
          },
        ]
      : []),
  ],
});

/** By the server it is five minutes to the moment, whatever the clock of this browser says. */
const BEFORE = says(['arrive'], '2026-11-23T01:55:00.000+00:00', '2026-11-23T02:00:00.000+00:00');
const AFTER = says(['arrive', 'no-show']);

function looking(busy = () => false) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const { result, unmount } = renderHook(() => useLegal(TASK, busy), {
    wrapper: ({ children }) => <QueryClientProvider client={queries}>{children}</QueryClientProvider>,
  });
  const may = () =>
    result.current.reading.state === 'here' ? result.current.reading.value.legal.map(({ code }) => code) : [];
  return { may, result, unmount };
}
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2031-01-01T00:00:00Z') });
  asked.mockReset();
  asked.mockResolvedValueOnce(BEFORE).mockResolvedValue(AFTER);
});
afterEach(() => vi.useRealTimers());

test('the server is asked once more when the moment comes that it told, and not before', async () => {
  const { may } = looking();
  await pass(0);
  expect(may()).toEqual(['arrive']);
  await pass(5 * 60_000);
  expect(asked).toHaveBeenCalledTimes(1);
  await pass(2_000);
  expect(may()).toEqual(['arrive', 'no-show']);
  await pass(24 * 3_600_000);
  expect(asked).toHaveBeenCalledTimes(2);
});

test('nothing moves under the cursor: what came due meanwhile is asked once the pointer is gone', async () => {
  const { may, result } = looking(() => true);
  await pass(6 * 60_000);
  expect(asked).toHaveBeenCalledTimes(1);
  act(() => result.current.catchUp());
  await pass(0);
  expect(may()).toEqual(['arrive', 'no-show']);
});

test('who leaves the page asks no more', async () => {
  const { unmount } = looking();
  await pass(0);
  unmount();
  await pass(3_600_000);
  expect(asked).toHaveBeenCalledTimes(1);
});
