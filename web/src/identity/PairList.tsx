import type { Task } from 'fhir/r4';
import { useMemo } from 'react';
import { Link } from 'react-router';
import { search } from '../client/client';
import { day } from '../fhir/dates';
import { patientName, sexText } from '../fhir/patient';
import { ListPage } from '../list/ListPage';
import type { Column, Filter, Source } from '../list/list';
import { useFilters } from '../list/useFilters';
import { type Key, type Translate, useLocale } from '../locale/locale';
import { useReading } from '../page/reading';
import styles from './identity.module.css';
import { differsOf, percent, readCounts, recordOf, type State, scoreOf, whyOf } from './pairs';

const STATES: readonly State[] = ['open', 'later', 'same', 'different'];

/** `/match`: the pairs somebody is to look at, the likeliest first. */
export default function PairList() {
  const { t } = useLocale();
  const [get] = useFilters();
  const asked = get('state');
  const state: State = STATES.includes(asked as State) ? (asked as State) : 'open';
  const counts = useReading(['match', 'counts'], readCounts, { staleTime: 0 });
  const source = useMemo<Source<Task>>(
    () => ({
      key: ['match', 'list', state],
      first: (signal) => search<Task>('$match-worklist', { state }, signal),
    }),
    [state],
  );
  const filters: Filter[] = [
    {
      kind: 'tabs',
      name: 'state',
      label: t('match.state'),
      choices: STATES.map((one) => ({
        value: one === 'open' ? '' : one,
        label: t(`match.state.${one}` as Key),
        count: counts.state === 'here' ? counts.value[one] : undefined,
      })),
    },
  ];
  return (
    <>
      <h1 className="unseen">{t('match.title')}</h1>
      <ListPage
        what={t('match.title')}
        source={source}
        columns={columns(t)}
        filters={filters}
        linkOf={(task) => `/match/${task.id ?? ''}`}
        empty={{ title: t(`match.empty.${state}` as Key), how: t(`match.empty.${state}.how` as Key) }}
        actions={
          <Link to="/match/model" className={styles.aside}>
            {t('match.model.look')}
          </Link>
        }
      />
    </>
  );
}

export function whyText(task: Task, t: Translate): string {
  const differs = differsOf(task)
    .map((one) => t(`match.differs.${one}` as Key))
    .join(t('match.differs.and'));
  return t(`match.why.${whyOf(task)}` as Key, { differs });
}

function columns(t: Translate): Column<Task>[] {
  const record = (task: Task, which: 'first' | 'second') => {
    const patient = recordOf(task, which);
    if (!patient) return null;
    return (
      <>
        <strong>{patientName(patient) || t('patient.unnamed')}</strong>{' '}
        <span className={styles.born}>
          {sexText(patient, t)} {day(patient.birthDate)}
        </span>
      </>
    );
  };
  return [
    { key: 'first', title: t('match.first'), phone: 'heading', render: (task) => record(task, 'first') },
    { key: 'second', title: t('match.second'), render: (task) => record(task, 'second') },
    { key: 'why', title: t('match.why'), render: (task) => whyText(task, t) },
    {
      key: 'score',
      title: t('match.score'),
      align: 'right',
      width: 90,
      whole: true,
      render: (task) => percent(scoreOf(task)),
    },
    { key: 'opened', title: t('match.opened'), width: 120, whole: true, render: (task) => day(task.authoredOn) },
  ];
}
