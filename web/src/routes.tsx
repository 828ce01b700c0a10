import type { ComponentType } from 'react';
import { createBrowserRouter, type RouteObject } from 'react-router';
import { bedRoutes } from './beds';
import { cardRoutes } from './card';
import { consentRoutes } from './consent';
import { criteriaRoutes } from './criteria';
import { deskRoutes } from './desk';
import { directoryRoutes, nearbyRoutes } from './directory';
import { handoverRoutes } from './handover';
import { identityRoutes } from './identity';
import { Frame } from './layout/Frame';
import { Starting } from './layout/Starting';
import { messageRoutes } from './messages';
import { outsideRoutes } from './outside';
import { fetchPart } from './page/parts';
import { Crashed } from './page/Whole';
import { referralRoutes } from './referral';
import { schedulingRoutes } from './scheduling';
import { poolRuleRoutes } from './scheduling/pools';
import { poolReportRoutes } from './scheduling/report';
import { templateRoutes } from './scheduling/templates';
import { statisticsRoutes } from './statistics';

/** Every address of the pages. Screens are fetched when one goes there. */

const lazyPage = (load: () => Promise<{ default: ComponentType }>): RouteObject['lazy'] => {
  return async () => ({ Component: (await fetchPart(load)).default });
};

export const routes: RouteObject[] = [
  {
    errorElement: <Crashed />,
    hydrateFallbackElement: <Starting />,
    children: [
      { path: '/sign-in', lazy: lazyPage(() => import('./access/SignIn')) },
      { path: '/signed-in', lazy: lazyPage(() => import('./access/SignedIn')) },
      { path: '/signed-out', lazy: lazyPage(() => import('./access/SignedOut')) },
      ...nearbyRoutes,
      ...outsideRoutes,
      {
        path: '/',
        element: <Frame />,
        children: [
          { index: true, lazy: lazyPage(() => import('./workbench/Workbench')) },
          { path: 'patients', lazy: lazyPage(() => import('./patients/PatientList')) },
          { path: 'patients/:id', lazy: lazyPage(() => import('./record/RecordPage')) },
          ...referralRoutes,
          { path: 'access-log', lazy: lazyPage(() => import('./audit/AccessLog')) },
          { path: 'trail', lazy: lazyPage(() => import('./audit/TrailPage')) },
          { path: 'trail/:id', lazy: lazyPage(() => import('./audit/TrailEvent')) },
          ...handoverRoutes,
          ...identityRoutes,
          ...bedRoutes,
          ...cardRoutes,
          ...deskRoutes,
          ...consentRoutes,
          ...templateRoutes,
          ...poolReportRoutes,
          ...poolRuleRoutes,
          ...statisticsRoutes,
          ...messageRoutes,
          ...criteriaRoutes,
          ...schedulingRoutes,
          ...directoryRoutes,
          { path: 'choose-patient', lazy: lazyPage(() => import('./launch/ChoosePatient')) },
          { path: 'account', lazy: lazyPage(() => import('./accounts/MyAccount')) },
          { path: 'accounts', lazy: lazyPage(() => import('./accounts/AccountsPage')) },
          { path: '*', lazy: lazyPage(() => import('./page/NotFound')) },
        ],
      },
    ],
  },
];

export const router = createBrowserRouter(routes);
