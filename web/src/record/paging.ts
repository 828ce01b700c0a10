import { useInfiniteQuery } from '@tanstack/react-query';
import type { FhirResource } from 'fhir/r4';
import { nextPage, type Page, type Params, search } from '../client/client';
import type { Reading } from '../page/reading';

/** A tab's list about one patient, read page by page. */
export interface Pages<T> {
  readonly rows: readonly T[];
  readonly included: ReadonlyMap<string, FhirResource>;
  readonly total: number | undefined;
  readonly hasMore: boolean;
  readonly readingMore: boolean;
  readonly more: () => void;
}

/** `path` is a type or an operation, "Patient/123/$timeline". */
export function usePages<T extends FhirResource>(
  id: string,
  what: string,
  path: string,
  params: Params,
): Reading<Pages<T>> {
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useInfiniteQuery({
    queryKey: ['patient', id, what, params],
    queryFn: ({ pageParam, signal }): Promise<Page<T>> =>
      pageParam ? nextPage<T>(pageParam, signal) : search<T>(path, params, signal),
    initialPageParam: '',
    getNextPageParam: (page: Page<T>) => page.next,
  });
  if (data) {
    return {
      state: 'here',
      value: {
        rows: data.pages.flatMap((page) => page.matches),
        included: new Map(data.pages.flatMap((page) => [...page.included])),
        total: data.pages[0]?.total,
        hasMore: hasNextPage,
        readingMore: isFetchingNextPage,
        more: () => void fetchNextPage(),
      },
    };
  }
  if (error) return { state: 'failed', error, retry: () => void refetch() };
  return { state: 'loading', cancel: () => undefined };
}
