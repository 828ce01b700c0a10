import type { ComponentType } from 'react';
import type { RouteObject } from 'react-router';
import { has, type Person, seesPatients } from '../access/person';
import { fetchPart } from '../page/parts';

const lazyPage = (load: () => Promise<{ default: ComponentType }>): RouteObject['lazy'] => {
  return async () => ({ Component: (await fetchPart(load)).default });
};

/** Reads the library of criteria; the office may change it. */
export const readsCriteria = (person: Person): boolean => seesPatients(person) || has(person, 'office');
export const keepsCriteria = (person: Person): boolean => has(person, 'office', 'admin');

const ABOVE_GRASSROOTS = ['county', 'city', 'province', 'national'];
/** Has in-patients who might go down. */
export const sendsDown = (person: Person): boolean =>
  seesPatients(person) && ABOVE_GRASSROOTS.includes(person.institution?.tier ?? '');

/** 转诊标准 and 可下转患者. */
export const criteriaRoutes: RouteObject[] = [
  { path: 'criteria', lazy: lazyPage(() => import('./CriteriaPage')) },
  { path: 'can-go-down', lazy: lazyPage(() => import('./StablePage')) },
];
