import type { poolReportWords as zh } from './words.zh';

/** The same in English. */
export const poolReportWords: Record<keyof typeof zh, string> = {
  'pools.title': 'Report of the pools',
  'pools.how': 'What became of the places of these days, beside what the region asks for.',
  'pools.period': 'Days of the visits',
  'pools.month': 'This month',
  'pools.none': 'There are no places on these days',
  'pools.none.how': 'Choose other days, or make schedules first.',
  'pools.institution': 'Institution',
  'pools.grassroots': 'Taken by the grassroots',
  'pools.others': 'Taken by others',
  'pools.left': 'Left',
  'pools.count.places': 'Places',
  'pools.count.stopped': 'Stopped',
  'pools.count.reserved': 'Reserved',
  'pools.count.taken': 'Taken',
  'pools.count.byGrassroots': 'by grassroots',
  'pools.count.missed': 'Missed',
  'pools.released': 'Released',
  'pools.reserved': 'Reserved',
  'pools.reservedExpert': 'Experts’ reserved',
  'pools.booking': 'Booked before',
  'pools.reached': 'reached (≥{least})',
  'pools.short': 'short of {least}',
  'pools.meaning':
    'Released: places not kept for the house, of all that were not stopped. Reserved: places of clinics and experts that were the grassroots’ alone for 48 hours. Booked before: outpatient visits not taken at the counter; — where there were no visits.',
};
