import type { ComponentType } from 'react';
import type { RouteObject } from 'react-router';
import { has, type Person } from '../../access/person';
import { fetchPart } from '../../page/parts';

/** 号源报表: its address, and whose it is. */
const lazyPage = (load: () => Promise<{ default: ComponentType }>): RouteObject['lazy'] => {
  return async () => ({ Component: (await fetchPart(load)).default });
};

export const poolReportRoutes: RouteObject[] = [{ path: 'pool-report', lazy: lazyPage(() => import('./ReportPage')) }];

/** Sees what became of the places: of the own institution, or of the region. */
export const seesPoolReport = (person: Person): boolean => has(person, 'coordinator', 'head', 'office', 'regulator');
