import type { RouteObject } from 'react-router';

/**
 * What the rest of the pages know of referral: its addresses, the worklists of a post with their counts, and the open referrals for the workbench.
 * Addresses: `/patients/:id/refer`, `/referrals/:taskId`, `/worklist/:list`.
 */
export const referralRoutes: RouteObject[] = [];

export { useWorklistCounts } from './counts';
export { OpenReferrals } from './OpenReferrals';
export { isWork, type Worklist, worklistsOf } from './worklists';
