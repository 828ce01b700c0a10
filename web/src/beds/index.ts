import type { ComponentType } from 'react';
import type { RouteObject } from 'react-router';
import { has, type Person, seesPatients } from '../access/person';
import { fetchPart } from '../page/parts';

/** 床位: its addresses, and whose they are. */
const lazyPage = (load: () => Promise<{ default: ComponentType }>): RouteObject['lazy'] => {
  return async () => ({ Component: (await fetchPart(load)).default });
};

export const bedRoutes: RouteObject[] = [
  { path: 'beds', lazy: lazyPage(() => import('./BedsPage')) },
  { path: 'bed-use', lazy: lazyPage(() => import('./use/UsePage')) },
  { path: 'beds/:id', lazy: lazyPage(() => import('./WardPage')) },
];

export const seesBeds = (person: Person): boolean => seesPatients(person) || has(person, 'registrar', 'office');

/** Looks at how much of the beds is used: whoever runs a house or a department. */
export const seesBedUse = (person: Person): boolean =>
  Boolean(person.institution) && has(person, 'head', 'coordinator', 'office', 'medical-affairs', 'president');

/** May admit, transfer and discharge in the own house; the server decides. */
export const worksOnWards = (person: Person): boolean => seesPatients(person) || has(person, 'registrar');
