import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import type { FhirResource } from 'fhir/r4';
import { type ReactNode, useCallback, useMemo } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { nextPage, type Page } from '../client/client';
import { useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { Nothing } from '../page/Nothing';
import { Waiting } from '../page/Waiting';
import { FilterBar } from './FilterBar';
import { ListTable } from './ListTable';
import type { Column, Filter, Source } from './list';
import styles from './list.module.css';
import { useFilters } from './useFilters';
import { useRowKeys } from './useRowKeys';

export interface ListPageProps<T extends FhirResource> {
  /** What the rows are, a noun: "患者". */
  what: string;
  source: Source<T>;
  columns: readonly Column<T>[];
  filters?: readonly Filter[];
  linkOf: (row: T) => string;
  /** What belongs here and how it gets here, for the empty list. */
  empty: { title: string; how: string };
  /** Buttons beside the filters. */
  actions?: ReactNode;
  /** Something above the rows that needs the first page (a bar "3 条新转诊"). */
  above?: ReactNode;
}

/**
 * The one list: rows from the server page by page over its `next` links, filters in the URL, j/k/Enter, honest counts.
 * More rows are appended, so that nothing already read moves.
 */
export function ListPage<T extends FhirResource>({
  what,
  source,
  columns,
  filters = [],
  linkOf,
  empty,
  actions,
  above,
}: ListPageProps<T>) {
  const { t } = useLocale();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { pathname, search } = useLocation();
  const [get, set] = useFilters();
  const result = useInfiniteQuery({
    queryKey: source.key,
    queryFn: ({ pageParam, signal }): Promise<Page<T>> =>
      pageParam ? nextPage<T>(pageParam, signal) : source.first(signal),
    initialPageParam: '',
    getNextPageParam: (page: Page<T>) => page.next,
  });
  const { data, error, isFetchingNextPage, hasNextPage, fetchNextPage, refetch } = result;

  // A row that moved to a later page while one read on is shown once.
  const rows = useMemo(
    () => [...new Map(data?.pages.flatMap((page) => page.matches).map((row) => [row.id, row])).values()],
    [data],
  );
  const included = useMemo(() => new Map(data?.pages.flatMap((page) => [...page.included])), [data]);
  const total = data?.pages[0]?.total;

  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const open = useCallback(
    (index: number) => {
      const row = rows[index];
      if (row) void navigate(linkOf(row));
    },
    [rows, linkOf, navigate],
  );
  const name = pathname + search;
  const [marked, mark] = useRowKeys(name, rows.length, open, more);

  return (
    <div className={styles.list} data-list>
      <FilterBar filters={filters} get={get} set={set}>
        <span className={styles.count} aria-live="polite">
          {total !== undefined && t('list.total', { n: total })}
        </span>
        {actions}
      </FilterBar>
      {above}
      {!data && !error && (
        <Waiting what={what} rows={8} onCancel={() => void queries.cancelQueries({ queryKey: source.key })} />
      )}
      {error && !data && <Failure error={error} what={what} onRetry={() => void refetch()} />}
      {data && rows.length === 0 && <Nothing title={empty.title} how={empty.how} />}
      {rows.length > 0 && (
        <ListTable
          name={name}
          label={what}
          columns={columns}
          rows={rows}
          included={included}
          rowKey={(row) => row.id ?? ''}
          linkOf={linkOf}
          marked={marked}
          onMark={mark}
          onOpen={open}
        />
      )}
      {error && data && <Failure error={error} what={what} onRetry={more} />}
      {rows.length > 0 && (
        <footer className={styles.foot}>
          <span>
            {total === undefined ? t('list.shown', { n: rows.length }) : t('list.shown.of', { n: rows.length, total })}
          </span>
          {hasNextPage && (
            <Button size="small" loading={isFetchingNextPage} onClick={more}>
              {t('list.more')}
            </Button>
          )}
          <span className={styles.keys}>{t('list.keys')}</span>
        </footer>
      )}
    </div>
  );
}
