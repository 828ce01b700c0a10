import type { ComponentType } from 'react';
import type { RouteObject } from 'react-router';
import { has, type Person } from '../access/person';
import { fetchPart } from '../page/parts';

/** 主索引核对: pairs of records that may be one person, one of them side by side, and what the model weighs. */
const lazyPage = (load: () => Promise<{ default: ComponentType }>): RouteObject['lazy'] => {
  return async () => ({ Component: (await fetchPart(load)).default });
};

export const identityRoutes: RouteObject[] = [
  { path: 'match', lazy: lazyPage(() => import('./PairList')) },
  { path: 'match/model', lazy: lazyPage(() => import('./ModelPage')) },
  { path: 'match/:id', lazy: lazyPage(() => import('./PairPage')) },
];

/** Who says which records are one person. */
export const reviews = (person: Person): boolean => has(person, 'data-steward');
