import { type QueryKey, type UseQueryOptions, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useLocale } from '../locale/locale';
import { Failure } from './Failure';
import { Waiting } from './Waiting';

/** A request is loading, failed or here: one union, not three booleans. */
export type Reading<T> =
  | { state: 'loading'; cancel: () => void }
  | { state: 'failed'; error: unknown; retry: () => void }
  | { state: 'here'; value: T };

type Options<T> = Pick<UseQueryOptions<T>, 'enabled' | 'staleTime' | 'gcTime' | 'refetchInterval'>;

export function useReading<T>(
  key: QueryKey,
  fetchIt: (signal: AbortSignal) => Promise<T>,
  options: Options<T> = {},
): Reading<T> {
  const queries = useQueryClient();
  const result = useQuery<T>({ queryKey: key, queryFn: ({ signal }) => fetchIt(signal), ...options });
  const retry = () => void result.refetch();
  if (result.data !== undefined) return { state: 'here', value: result.data };
  if (result.error) return { state: 'failed', error: result.error, retry };
  if (result.fetchStatus === 'idle' && options.enabled !== false) {
    return { state: 'failed', error: new Error('cancelled'), retry };
  }
  return { state: 'loading', cancel: () => void queries.cancelQueries({ queryKey: key }) };
}

/** The value of one reading, made from another's. */
export function mapReading<A, B>(reading: Reading<A>, make: (value: A) => B): Reading<B> {
  return reading.state === 'here' ? { state: 'here', value: make(reading.value) } : reading;
}

interface ReadProps<T> {
  of: Reading<T>;
  /** What is read, a noun: "检验结果". */
  what: string;
  rows?: number;
  children: (value: T) => ReactNode;
}

/** Shows a reading: waiting, failure with retry, or what `children` makes of the value. */
export function Read<T>({ of, what, rows, children }: ReadProps<T>) {
  const { t } = useLocale();
  if (of.state === 'here') return children(of.value);
  if (of.state === 'loading') return <Waiting what={what} rows={rows ?? 4} onCancel={of.cancel} />;
  if (of.error instanceof Error && of.error.message === 'cancelled') {
    return (
      <p>
        {t('waiting.cancelled', { what })} <RetryLink onClick={of.retry} />
      </p>
    );
  }
  return <Failure error={of.error} what={what} onRetry={of.retry} />;
}

function RetryLink({ onClick }: { onClick: () => void }) {
  const { t } = useLocale();
  return (
    <button type="button" className="link" onClick={onClick}>
      {t('do.retry')}
    </button>
  );
}
