import type { ComponentType } from 'react';
import type { RouteObject } from 'react-router';
import { has, type Person, seesPatients } from '../access/person';
import { fetchPart } from '../page/parts';

const lazyPage = (load: () => Promise<{ default: ComponentType }>): RouteObject['lazy'] => {
  return async () => ({ Component: (await fetchPart(load)).default });
};

/** Looks things up in the directory at work. */
export const usesDirectory = (person: Person): boolean =>
  seesPatients(person) || has(person, 'office', 'admin', 'regulator', 'registrar');

/** Keeps the directory: institutions, memberships, what services ask of referrals. */
export const keepsDirectory = (person: Person): boolean => has(person, 'office', 'admin');

/** 机构目录, 医联体, 共享设备. */
export const directoryRoutes: RouteObject[] = [
  { path: 'directory', lazy: lazyPage(() => import('./DirectoryPage')) },
  { path: 'directory/import', lazy: lazyPage(() => import('./ImportPage')) },
  { path: 'directory/keep', lazy: lazyPage(() => import('./keeping/KeepPage')) },
  { path: 'directory/keep/:kind/:id', lazy: lazyPage(() => import('./keeping/KeepOnePage')) },
  { path: 'directory/:id', lazy: lazyPage(() => import('./InstitutionPage')) },
  { path: 'consortia', lazy: lazyPage(() => import('./ConsortiaPage')) },
  { path: 'equipment', lazy: lazyPage(() => import('./EquipmentPage')) },
];

/** 附近医疗机构, for anybody, without signing in. */
export const nearbyRoutes: RouteObject[] = [
  { path: '/nearby', lazy: lazyPage(() => import('./NearbyPage')) },
  { path: '/nearby/:id', lazy: lazyPage(() => import('./NearbyInstitution')) },
];
