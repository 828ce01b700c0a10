import type { ComponentType } from 'react';
import type { RouteObject } from 'react-router';
import { has, type Person } from '../access/person';
import { fetchPart } from '../page/parts';

const lazyPage = (load: () => Promise<{ default: ComponentType }>): RouteObject['lazy'] => {
  return async () => ({ Component: (await fetchPart(load)).default });
};

/** Whether this person sees the numbers of the region. */
export const countsRegion = (person: Person): boolean => has(person, 'regulator');

/** 区域统计 of the health commission. */
export const statisticsRoutes: RouteObject[] = [
  { path: 'statistics', lazy: lazyPage(() => import('./StatisticsPage')) },
];
