import type { ComponentType } from 'react';
import type { RouteObject } from 'react-router';
import { fetchPart } from '../page/parts';

/**
 * What the rest of the pages know of referral: its addresses, the worklists of a post with their counts, the open referrals for the workbench, and
 * the strip of what is under way for the record page.
 */
const lazyPage = (load: () => Promise<{ default: ComponentType }>): RouteObject['lazy'] => {
  return async () => ({ Component: (await fetchPart(load)).default });
};

export const referralRoutes: RouteObject[] = [
  { path: 'patients/:id/refer', lazy: lazyPage(() => import('./refer/ReferPage')) },
  { path: 'referrals/:taskId', lazy: lazyPage(() => import('./thread/ReferralPage')) },
  { path: 'referral-statistics', lazy: lazyPage(() => import('./statistics/StatisticsPage')) },
  { path: 'referral-statistics/list', lazy: lazyPage(() => import('./statistics/ListedPage')) },
  { path: 'worklist/:list', lazy: lazyPage(() => import('./worklist/WorklistPage')) },
];

export { useWorklistCounts } from './counts';
export { OpenReferrals } from './OpenReferrals';
export { countsReferrals } from './statistics/asked';
export { isWork, listTitle, type Worklist, worklistsOf } from './worklists';
