import type { ComponentType } from 'react';
import type { RouteObject } from 'react-router';
import { has, type Person } from '../access/person';
import { fetchPart } from '../page/parts';

/** Booking: its addresses, and whose they are. */
const lazyPage = (load: () => Promise<{ default: ComponentType }>): RouteObject['lazy'] => {
  return async () => ({ Component: (await fetchPart(load)).default });
};

export const schedulingRoutes: RouteObject[] = [
  { path: 'book', lazy: lazyPage(() => import('./BookPage')) },
  { path: 'bookings', lazy: lazyPage(() => import('./MyBookings')) },
  { path: 'day', lazy: lazyPage(() => import('./DayPage')) },
  { path: 'calendar', lazy: lazyPage(() => import('./CalendarPage')) },
  { path: 'queue/:id', lazy: lazyPage(() => import('./QueueBoard')) },
  { path: 'appeals', lazy: lazyPage(() => import('./AppealsPage')) },
];

/** Works with the appointments of an institution. */
export const worksWithBookings = (person: Person): boolean =>
  Boolean(person.institution) && has(person, 'registrar', 'coordinator', 'physician', 'consultant', 'head', 'gp');

/** Decides what is said against a missed appointment. */
export const decidesAppeals = (person: Person): boolean => Boolean(person.institution) && has(person, 'office');
