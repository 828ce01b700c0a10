import { Table } from 'antd';
import { useLocale } from '../../locale/locale';
import styles from '../templates/templates.module.css';
import { RULED, type Rule, type Rules } from './rules';

/** Rules as somebody reads them: every kind of slot, also those of which nothing is kept. */
export function RuleTable({ of, label }: { of: Rules; label: string }) {
  const { t } = useLocale();
  const rows: (Rule | { kind: Rule['kind'] })[] = RULED.flatMap((kind): (Rule | { kind: Rule['kind'] })[] => {
    const some = of.rules.filter((rule) => rule.kind === kind);
    return some.length > 0 ? some : [{ kind }];
  });
  return (
    <>
      <p>{t('pool.release.said', { days: of.releaseDays, at: of.releaseAt })}</p>
      <Table
        size="small"
        aria-label={label}
        rowKey={(row) => `${row.kind} ${'pool' in row ? row.pool : ''}`}
        dataSource={rows}
        pagination={false}
        scroll={{ x: 'max-content' }}
        columns={[
          { title: t('pool.kind'), render: (_, row) => t(`schedule.kind.${row.kind}`), rowScope: 'row' },
          {
            title: t('pool.pool'),
            render: (_, row) =>
              'pool' in row ? t(`booking.pool.${row.pool}`) : <span className="quiet">{t('pool.none')}</span>,
          },
          {
            title: t('pool.share'),
            align: 'right',
            className: styles.number ?? '',
            render: (_, row) => ('pool' in row ? `${row.share}%` : ''),
          },
          {
            title: t('pool.opens'),
            render: (_, row) => ('pool' in row ? t('pool.opens.said', { days: row.opensDays }) : ''),
          },
          {
            title: t('pool.until'),
            render: (_, row) => ('pool' in row ? t(`pool.until.${row.anchor}`, { hours: row.hours }) : ''),
          },
        ]}
      />
      <p className={styles.quiet}>
        {t('pool.source')}：{of.source}
      </p>
    </>
  );
}
