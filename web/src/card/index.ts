import type { RouteObject } from 'react-router';
import { fetchPart } from '../page/parts';

/** The health card: its address. */
export const cardRoutes: RouteObject[] = [
  { path: 'card', lazy: async () => ({ Component: (await fetchPart(() => import('./CardPage'))).default }) },
];
