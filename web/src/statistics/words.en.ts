import type { statisticsWords as zh } from './words.zh';

/** The words of the region's statistics, English. */
export const statisticsWords: Record<keyof typeof zh, string> = {
  'statistics.title': 'Statistics of the region',
  'statistics.how': 'Numbers only, nobody can be told from them. A month counts when it is over.',
  'statistics.table': 'Table',
  'statistics.table.residents': 'Residents by age and sex',
  'statistics.table.diagnoses': 'Diseases by age',
  'statistics.table.encounters': 'Visits by institution and month',
  'statistics.table.referrals': 'Referrals out by institution',
  'statistics.counts.residents': 'Living residents; records of one person at several institutions count once.',
  'statistics.counts.diagnoses':
    'People with a disease of the chapter (ICD-10), once each; one person may stand in several rows, so columns have no totals.',
  'statistics.counts.encounters': 'Visits, by the month they began in and the institution seen.',
  'statistics.counts.referrals': 'Referrals that reached their receiver, by the institution that sent them.',
  'statistics.year': 'Year',
  'statistics.year.of': '{year}',
  'statistics.asof': 'As of {date}',
  'statistics.span': '{since} to {until}',
  'statistics.total': 'Total',
  'statistics.withheld': '*',
  'statistics.withheld.name': 'withheld',
  'statistics.withheld.why':
    '* Numbers below {least}, and those they could be computed from, are withheld to protect personal information.',
  'statistics.none': 'Nothing in this period',
  'statistics.none.how': 'Choose another year or table.',
  'statistics.chart': 'Chart',
  'statistics.chart.most': 'Only the {n} rows with the largest totals are drawn.',
};
