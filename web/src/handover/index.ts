import type { ComponentType } from 'react';
import type { RouteObject } from 'react-router';
import { has, type Person } from '../access/person';
import { fetchPart } from '../page/parts';

/** What follows a referral: its addresses, and whose they are. */
const lazyPage = (load: () => Promise<{ default: ComponentType }>): RouteObject['lazy'] => {
  return async () => ({ Component: (await fetchPart(load)).default });
};

export const handoverRoutes: RouteObject[] = [
  { path: 'follow-ups', lazy: lazyPage(() => import('./FollowUpsPage')) },
  { path: 'follow-ups/:taskId', lazy: lazyPage(() => import('./VisitPage')) },
  { path: 'lost-patients', lazy: lazyPage(() => import('./LostPage')) },
  { path: 'rate/:taskId', lazy: lazyPage(() => import('./RatePage')) },
  { path: 'suspicions', lazy: lazyPage(() => import('./SuspicionsPage')) },
];

/** Visits patients after they came back, or sees that others do. */
export const followsUp = (person: Person): boolean =>
  has(person, 'gp', 'physician', 'consultant', 'head', 'coordinator');

/** Decides of referrals that look wrong. */
export const looksInto = (person: Person): boolean => has(person, 'office');

export { ToRate } from './ToRate';
