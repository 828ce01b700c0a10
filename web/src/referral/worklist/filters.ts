import type { Task } from 'fhir/r4';
import { search } from '../../client/client';
import type { Choice, Filter } from '../../list/list';
import type { Translate } from '../../locale/locale';
import { useReading } from '../../page/reading';
import { DIRECTIONS } from '../codes/reasons';
import { GREEN_STATES } from '../marks';
import { URGENCIES } from '../request';
import { stateKey } from '../state';
import type { Worklist } from '../worklists';
import { hasDirections, paramsOf, STATES_IN, TABS_UP_TO, type WorklistFilters } from './conditions';

/** True counts for the state tabs of a short list, under the other filters. One row is asked for, its total is what counts. */
export function useStateCounts(list: Worklist, filters: WorklistFilters): Readonly<Record<string, number>> {
  const states = STATES_IN[list];
  const { priority, direction, green, q } = filters;
  const reading = useReading(
    ['worklist', list, 'state-counts', priority, direction, green, q],
    async (signal) => {
      const totals = await Promise.all(
        states.map((state) => search<Task>('Task/$worklist', paramsOf(list, { ...filters, state }, 1), signal)),
      );
      return Object.fromEntries(states.map((state, place) => [state, totals[place]?.total ?? 0]));
    },
    { enabled: states.length > 0 && states.length <= TABS_UP_TO },
  );
  return reading.state === 'here' ? reading.value : {};
}

export function filtersOf(list: Worklist, counts: Readonly<Record<string, number>>, t: Translate): Filter[] {
  const states = STATES_IN[list];
  const tabs = states.length <= TABS_UP_TO;
  const known = states.every((state) => counts[state] !== undefined);
  const all = known && tabs ? states.reduce((sum, state) => sum + (counts[state] ?? 0), 0) : undefined;
  const choices: Choice[] = [
    { value: '', label: t(tabs ? 'list.all' : 'worklist.filter.state.all'), count: all },
    ...states.map((state) => ({ value: state, label: t(stateKey(state)), count: tabs ? counts[state] : undefined })),
  ];
  return [
    ...(states.length > 0
      ? [{ kind: tabs ? ('tabs' as const) : ('choice' as const), name: 'state', label: t('worklist.state'), choices }]
      : []),
    {
      kind: 'choice',
      name: 'priority',
      label: t('worklist.urgency'),
      choices: [
        { value: '', label: t('worklist.filter.urgency.all') },
        ...URGENCIES.map((value) => ({ value, label: t(`referral.urgency.${value}`) })),
      ],
    },
    ...(hasDirections(list)
      ? [
          {
            kind: 'choice' as const,
            name: 'direction',
            label: t('worklist.direction'),
            choices: [
              { value: '', label: t('worklist.filter.direction.all') },
              ...DIRECTIONS.map((value) => ({ value, label: t(`referral.direction.${value}`) })),
            ],
          },
        ]
      : []),
    {
      kind: 'choice',
      name: 'green',
      label: t('referral.green.open'),
      choices: [
        { value: '', label: t('referral.green.all') },
        ...GREEN_STATES.map((value) => ({ value, label: t(`referral.green.${value}`) })),
      ],
    },
    { kind: 'text', name: 'q', label: t('worklist.find') },
  ];
}
