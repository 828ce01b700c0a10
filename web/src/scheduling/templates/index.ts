import type { ComponentType } from 'react';
import type { RouteObject } from 'react-router';
import { has, type Person } from '../../access/person';
import { fetchPart } from '../../page/parts';

/** 排班: its addresses, and whose they are. */
const lazyPage = (load: () => Promise<{ default: ComponentType }>): RouteObject['lazy'] => {
  return async () => ({ Component: (await fetchPart(load)).default });
};

export const templateRoutes: RouteObject[] = [
  { path: 'schedules', lazy: lazyPage(() => import('./SchedulesPage')) },
  { path: 'schedules/stopped', lazy: lazyPage(() => import('./StoppedPage')) },
  { path: 'schedules/:id', lazy: lazyPage(() => import('./SchedulePage')) },
  { path: 'working-days', lazy: lazyPage(() => import('./WorkingDaysPage')) },
];

/** Keeps the schedules of an institution. */
export const keepsSchedules = (person: Person): boolean =>
  Boolean(person.institution) && has(person, 'coordinator', 'head');

/** Keeps the region's calendar of working days. */
export const keepsCalendar = (person: Person): boolean => has(person, 'admin');
