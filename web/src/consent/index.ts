import type { ComponentType } from 'react';
import type { RouteObject } from 'react-router';
import { fetchPart } from '../page/parts';

const lazyPage = (load: () => Promise<{ default: ComponentType }>): RouteObject['lazy'] => {
  return async () => ({ Component: (await fetchPart(load)).default });
};

/** 我的授权 of the resident, 紧急查阅复核 of the privacy officer. */
export const consentRoutes: RouteObject[] = [
  { path: 'consents', lazy: lazyPage(() => import('./ConsentPage')) },
  { path: 'emergency-review', lazy: lazyPage(() => import('../emergency/ReviewPage')) },
];
