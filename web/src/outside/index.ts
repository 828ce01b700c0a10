import type { RouteObject } from 'react-router';
import { fetchPart } from '../page/parts';

/** 平台外机构答复, for who has a link and a code, without an account. */
export const outsideRoutes: RouteObject[] = [
  { path: '/outside', lazy: async () => ({ Component: (await fetchPart(() => import('./OutsidePage'))).default }) },
];
