import {
  ApartmentOutlined,
  AppstoreOutlined,
  ArrowDownOutlined,
  AuditOutlined,
  BankOutlined,
  BarChartOutlined,
  BellOutlined,
  CalendarOutlined,
  CarryOutOutlined,
  CheckCircleOutlined,
  ClockCircleOutlined,
  DeploymentUnitOutlined,
  EditOutlined,
  EnvironmentOutlined,
  EyeOutlined,
  FieldTimeOutlined,
  FileProtectOutlined,
  FileSearchOutlined,
  FolderOpenOutlined,
  HeartOutlined,
  HomeOutlined,
  IdcardOutlined,
  InboxOutlined,
  LineChartOutlined,
  MedicineBoxOutlined,
  MessageOutlined,
  PauseCircleOutlined,
  PieChartOutlined,
  QrcodeOutlined,
  RollbackOutlined,
  SafetyOutlined,
  ScheduleOutlined,
  SendOutlined,
  StopOutlined,
  TeamOutlined,
  UserOutlined,
  UserSwitchOutlined,
  WarningOutlined,
} from '@ant-design/icons';
import type { ReactNode } from 'react';
import { has, looksAfterAccounts, type Person, seesPatients } from '../access/person';
import { seesBeds, seesBedUse } from '../beds';
import { readsCriteria, sendsDown } from '../criteria';
import { worksAtDesk } from '../desk';
import { usesDirectory } from '../directory';
import { followsUp, looksInto } from '../handover';
import { reviews } from '../identity';
import type { Translate } from '../locale/locale';
import { dispatches } from '../messages';
import { countsReferrals, listTitle, type Worklist, worklistsOf } from '../referral';
import { decidesAppeals, worksWithBookings } from '../scheduling';
import { seesPoolRules } from '../scheduling/pools';
import { seesPoolReport } from '../scheduling/report';
import { keepsCalendar, keepsSchedules } from '../scheduling/templates';
import { countsRegion } from '../statistics';

/** Where a person can go: own work first, then patients. Only what the post may use. */
export interface Destination {
  to: string;
  title: string;
  icon?: ReactNode;
  /** Set for worklists, which carry a count. */
  list?: Worklist;
}

const ICONS: Record<Worklist, ReactNode> = {
  approval: <AuditOutlined />,
  inbox: <InboxOutlined />,
  answer: <MessageOutlined />,
  'in-place': <PauseCircleOutlined />,
  declined: <StopOutlined />,
  expected: <ClockCircleOutlined />,
  here: <MedicineBoxOutlined />,
  today: <CalendarOutlined />,
  trouble: <WarningOutlined />,
  overdue: <FieldTimeOutlined />,
  retro: <FileProtectOutlined />,
  away: <SendOutlined />,
  sent: <SendOutlined />,
  returned: <RollbackOutlined />,
  closed: <CheckCircleOutlined />,
  drafts: <EditOutlined />,
};

/** One's own account, and those one looks after. */
export function ownDestinations(person: Person, t: Translate): Destination[] {
  return [
    { to: '/messages', title: t('messages.title'), icon: <BellOutlined /> },
    ...(dispatches(person) ? [{ to: '/deliveries', title: t('deliveries.title'), icon: <SendOutlined /> }] : []),
    { to: '/account', title: t('account.title'), icon: <UserOutlined /> },
    ...(looksAfterAccounts(person)
      ? [{ to: '/accounts', title: t('account.manage'), icon: <UserSwitchOutlined /> }]
      : []),
  ];
}

/** In the order they stand: own work, patients, places and beds, the region. */
export const GROUPS = ['work', 'patients', 'booking', 'region'] as const;
export type Group = (typeof GROUPS)[number];

export function destinations(person: Person, t: Translate): Record<Group, Destination[]> {
  return {
    work: [
      ...(countsRegion(person) || (worksAtDesk(person) && !seesPatients(person))
        ? []
        : [{ to: '/', title: t('nav.today'), icon: <HomeOutlined /> }]),
      ...(worksAtDesk(person) ? [{ to: '/desk', title: t('desk.title'), icon: <IdcardOutlined /> }] : []),
      ...(person.patient ? [{ to: '/card', title: t('card.title'), icon: <QrcodeOutlined /> }] : []),
      ...(person.patient
        ? [
            { to: '/bookings', title: t('booking.mine'), icon: <CarryOutOutlined /> },
            { to: '/book', title: t('booking.title'), icon: <CalendarOutlined /> },
          ]
        : []),
      ...worklistsOf(person).map((list) => ({
        to: `/worklist/${list}`,
        title: t(listTitle(list, person)),
        list,
        icon: ICONS[list],
      })),
      ...(followsUp(person) ? [{ to: '/follow-ups', title: t('followup.title'), icon: <HeartOutlined /> }] : []),
      ...(looksInto(person) ? [{ to: '/suspicions', title: t('suspicion.title'), icon: <SafetyOutlined /> }] : []),
      ...(countsRegion(person)
        ? [{ to: '/statistics', title: t('statistics.title'), icon: <BarChartOutlined /> }]
        : []),
      ...(reviews(person) ? [{ to: '/match', title: t('match.title'), icon: <IdcardOutlined /> }] : []),
      ...(has(person, 'privacy')
        ? [{ to: '/emergency-review', title: t('review.title'), icon: <SafetyOutlined /> }]
        : []),
    ],
    patients: [
      ...(seesPatients(person) ? [{ to: '/patients', title: t('nav.patients'), icon: <TeamOutlined /> }] : []),
      ...(person.patient
        ? [
            { to: recordAddress(person.patient), title: t('nav.my-record'), icon: <FolderOpenOutlined /> },
            { to: '/access-log', title: t('nav.access-log'), icon: <EyeOutlined /> },
          ]
        : []),
      ...(sendsDown(person) ? [{ to: '/can-go-down', title: t('stable.title'), icon: <ArrowDownOutlined /> }] : []),
      ...(has(person, 'privacy') ? [{ to: '/trail', title: t('nav.trail'), icon: <EyeOutlined /> }] : []),
      ...(person.patient
        ? [
            { to: '/consents', title: t('consent.title'), icon: <SafetyOutlined /> },
            { to: '/nearby', title: t('nearby.title'), icon: <EnvironmentOutlined /> },
          ]
        : []),
    ],
    booking: [
      ...(worksWithBookings(person)
        ? [
            { to: '/day', title: t('booking.day'), icon: <CarryOutOutlined /> },
            { to: '/calendar', title: t('booking.calendar'), icon: <CalendarOutlined /> },
          ]
        : []),
      ...(decidesAppeals(person) ? [{ to: '/appeals', title: t('booking.appeals'), icon: <CarryOutOutlined /> }] : []),
      ...(keepsSchedules(person) ? [{ to: '/schedules', title: t('schedule.title'), icon: <ScheduleOutlined /> }] : []),
      ...(seesPoolRules(person) ? [{ to: '/pool-rules', title: t('pool.title'), icon: <PieChartOutlined /> }] : []),
      ...(keepsCalendar(person) ? [{ to: '/working-days', title: t('days.title'), icon: <ScheduleOutlined /> }] : []),
      ...(seesBeds(person) ? [{ to: '/beds', title: t('bed.title'), icon: <AppstoreOutlined /> }] : []),
    ],
    region: [
      ...(usesDirectory(person)
        ? [
            { to: '/directory', title: t('directory.title'), icon: <BankOutlined /> },
            { to: '/consortia', title: t('consortia.title'), icon: <ApartmentOutlined /> },
            { to: '/equipment', title: t('equipment.title'), icon: <DeploymentUnitOutlined /> },
          ]
        : []),
      ...(readsCriteria(person) ? [{ to: '/criteria', title: t('criteria.title'), icon: <FileSearchOutlined /> }] : []),
      ...(countsReferrals(person)
        ? [{ to: '/referral-statistics', title: t('flow.title'), icon: <BarChartOutlined /> }]
        : []),
      ...(seesBedUse(person) ? [{ to: '/bed-use', title: t('use.title'), icon: <LineChartOutlined /> }] : []),
      ...(seesPoolReport(person) ? [{ to: '/pool-report', title: t('pools.title'), icon: <BarChartOutlined /> }] : []),
    ],
  };
}

/** "Patient/123" → the address of the record page. */
export const recordAddress = (reference: string): string => `/patients/${reference.replace(/^Patient\//, '')}`;
