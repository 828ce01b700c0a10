import type { ComponentType } from 'react';
import type { RouteObject } from 'react-router';
import { has, type Person } from '../../access/person';
import { fetchPart } from '../../page/parts';

/** 号源池规则: its address, and whose it is. */
const lazyPage = (load: () => Promise<{ default: ComponentType }>): RouteObject['lazy'] => {
  return async () => ({ Component: (await fetchPart(load)).default });
};

export const poolRuleRoutes: RouteObject[] = [{ path: 'pool-rules', lazy: lazyPage(() => import('./PoolRulesPage')) }];

/** Sees the rules by which places of the own institution are kept. */
export const seesPoolRules = (person: Person): boolean =>
  Boolean(person.institution) && has(person, 'office', 'coordinator', 'head');

/** Changes them. */
export const keepsPoolRules = (person: Person): boolean => Boolean(person.institution) && has(person, 'office');
