import { useInfiniteQuery } from '@tanstack/react-query';
import type { Task } from 'fhir/r4';
import { useMemo } from 'react';
import { useParams } from 'react-router';
import { usePerson } from '../../access/person';
import { nextPage, type Page, search } from '../../client/client';
import { ListPage } from '../../list/ListPage';
import type { Source } from '../../list/list';
import { useFilters } from '../../list/useFilters';
import { type Key, useLocale } from '../../locale/locale';
import NotFound from '../../page/NotFound';
import { referAddress } from '../refer/start';
import { useUnread } from '../unread';
import { areOwn, listTitle, type Worklist, worklistsOf } from '../worklists';
import { ApprovalInbox } from './ApprovalInbox';
import { worklistColumns } from './columns';
import { paramsOf, STATES_IN, type WorklistFilters } from './conditions';
import { Fresh } from './Fresh';
import { filtersOf, useStateCounts } from './filters';
import { Lists } from './Lists';

/** `/worklist/:list`: one of the lists of this person's post. */
export default function WorklistPage() {
  const { list = '' } = useParams();
  if (!(list in STATES_IN)) return <NotFound />;
  const known = list as Worklist;
  return known === 'approval' ? <ApprovalInbox /> : <WorklistTable key={known} list={known} />;
}

/** The first page of a list under its filters, as the cache knows it. */
export function useWorklist(list: Worklist): { source: Source<Task>; filters: WorklistFilters } {
  const [get] = useFilters();
  const state = get('state');
  const priority = get('priority');
  const direction = get('direction');
  const green = get('green');
  const q = get('q');
  return useMemo(() => {
    const filters = { state, priority, direction, green, q };
    return {
      filters,
      source: {
        key: ['worklist', list, filters],
        first: (signal) => search<Task>('Task/$worklist', paramsOf(list, filters), signal),
      },
    };
  }, [list, state, priority, direction, green, q]);
}

/** The rows that are shown of a list: the same entry of the cache as the list, so nothing is asked for twice. */
export function useRows(source: Source<Task>): Task[] {
  const { data } = useInfiniteQuery({
    queryKey: source.key,
    queryFn: ({ pageParam, signal }): Promise<Page<Task>> =>
      pageParam ? nextPage<Task>(pageParam, signal) : source.first(signal),
    initialPageParam: '',
    getNextPageParam: (page: Page<Task>) => page.next,
  });
  return useMemo(() => data?.pages.flatMap((page) => page.matches) ?? [], [data]);
}

function WorklistTable({ list }: { list: Worklist }) {
  const { t, lang } = useLocale();
  const person = usePerson();
  const { source, filters } = useWorklist(list);
  const unread = useUnread(useRows(source));
  const counts = useStateCounts(list, filters);
  const title = t(listTitle(list, person));
  const filtered = Object.values(filters).some(Boolean);
  return (
    <>
      <h1 className="unseen">{title}</h1>
      {worklistsOf(person).includes(list) && <Lists list={list} />}
      <ListPage
        what={title}
        source={source}
        columns={worklistColumns(list, t, lang, unread)}
        filters={areOwn(person) ? [] : filtersOf(list, counts, t)}
        linkOf={(task) =>
          list === 'drafts' ? referAddress(task.for?.reference ?? '', 'draft', task.id) : `/referrals/${task.id ?? ''}`
        }
        empty={{
          title: t(filtered ? 'worklist.empty.filtered' : (`worklist.empty.${list}` as Key)),
          how: t(
            filtered
              ? 'worklist.empty.filtered.how'
              : areOwn(person)
                ? 'referral.own.none.how'
                : (`worklist.empty.${list}.how` as Key),
          ),
        }}
        above={<Fresh list={list} filters={filters} name={source.key} />}
      />
    </>
  );
}
