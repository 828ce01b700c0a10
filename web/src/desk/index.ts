import type { ComponentType } from 'react';
import type { RouteObject } from 'react-router';
import { has, type Person } from '../access/person';
import { fetchPart } from '../page/parts';

/** The desk: its addresses, and whose it is. */
const lazyPage = (load: () => Promise<{ default: ComponentType }>): RouteObject['lazy'] => {
  return async () => ({ Component: (await fetchPart(load)).default });
};

export const deskRoutes: RouteObject[] = [
  { path: 'desk', lazy: lazyPage(() => import('./DeskPage')) },
  { path: 'desk/new', lazy: lazyPage(() => import('./NewPatient')) },
  { path: 'desk/:id', lazy: lazyPage(() => import('./DeskPatient')) },
];

export const worksAtDesk = (person: Person): boolean => has(person, 'registrar');
