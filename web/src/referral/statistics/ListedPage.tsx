import type { Task } from 'fhir/r4';
import { useMemo } from 'react';
import { Link, useSearchParams } from 'react-router';
import { search } from '../../client/client';
import { ListPage } from '../../list/ListPage';
import type { Source } from '../../list/list';
import { useLocale } from '../../locale/locale';
import { worklistColumns } from '../worklist/columns';
import { PAGE } from '../worklist/conditions';

const FIGURES = [
  'sent', 'answered', 'in-time', 'accepted', 'refused', 'booked', 'arrived', 'missed', 'completed', 'returned', 'cancelled', 'against-advice',
  'open',
  'overdue',
] as const; // biome-ignore format: one word after the other

/** `/referral-statistics/list?figure=…`: the referrals a number of the statistics counts. */
export default function ListedPage() {
  const { t, lang } = useLocale();
  const [asked] = useSearchParams();
  const query = asked.toString();
  const figure = FIGURES.find((one) => one === asked.get('figure')) ?? 'sent';
  const side = asked.get('side') === 'received' ? 'received' : 'sent';
  const source = useMemo<Source<Task>>(
    () => ({
      key: ['referrals', query],
      first: (signal) =>
        search<Task>('Task/$referrals', { ...Object.fromEntries(new URLSearchParams(query)), _count: PAGE }, signal),
    }),
    [query],
  );
  const title = `${t(`flow.side.${side}`)} · ${t(`flow.figure.${figure}`)}`;
  const back = new URLSearchParams(
    ['side', 'since', 'until', 'direction', 'green'].flatMap((name) =>
      asked.get(name) ? [[name, asked.get(name) ?? '']] : [],
    ),
  );
  return (
    <section>
      <p>
        <Link to={`/referral-statistics?${back}`}>{t('flow.back')}</Link>
      </p>
      <h1>{title}</h1>
      <p className="quiet">
        {t('statistics.span', { since: asked.get('since') ?? '', until: asked.get('until') ?? '' })}
      </p>
      <ListPage
        what={title}
        source={source}
        columns={worklistColumns(side === 'sent' ? 'sent' : 'inbox', t, lang)}
        linkOf={(task) => `/referrals/${task.id ?? ''}`}
        empty={{ title: t('flow.list.empty'), how: t('flow.list.empty.how') }}
      />
    </section>
  );
}
