import type { ComponentType } from 'react';
import type { RouteObject } from 'react-router';
import { has, type Person } from '../../access/person';
import { fetchPart } from '../../page/parts';
import type { Level } from './rules';

/** 号源池规则: its address, and whose it is. */
const lazyPage = (load: () => Promise<{ default: ComponentType }>): RouteObject['lazy'] => {
  return async () => ({ Component: (await fetchPart(load)).default });
};

export const poolRuleRoutes: RouteObject[] = [{ path: 'pool-rules', lazy: lazyPage(() => import('./PoolRulesPage')) }];

/** Whose rules somebody sees: of the own institution and of the region, or of the region alone. */
export const poolRuleLevels = (person: Person): readonly Level[] => {
  if (person.institution && has(person, 'office', 'coordinator', 'head')) return ['institution', 'region'];
  return has(person, 'admin', 'regulator') ? ['region'] : [];
};
export const seesPoolRules = (person: Person): boolean => poolRuleLevels(person).length > 0;

/** Changes them: the office its institution's, administrators the region's. */
export const keepsPoolRules = (person: Person, level: Level): boolean =>
  level === 'region' ? has(person, 'admin') : Boolean(person.institution) && has(person, 'office');
