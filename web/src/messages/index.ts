import type { ComponentType } from 'react';
import type { RouteObject } from 'react-router';
import { fetchPart } from '../page/parts';

const lazyPage = (load: () => Promise<{ default: ComponentType }>): RouteObject['lazy'] => {
  return async () => ({ Component: (await fetchPart(load)).default });
};

/** 消息 and 发送记录. */
export const messageRoutes: RouteObject[] = [
  { path: 'messages', lazy: lazyPage(() => import('./InboxPage')) },
  { path: 'deliveries', lazy: lazyPage(() => import('./DeliveriesPage')) },
];

export { Bell } from './Bell';
export { dispatches } from './message';
