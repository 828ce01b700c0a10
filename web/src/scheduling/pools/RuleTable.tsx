import { Alert, Table, Tag } from 'antd';
import { useLocale } from '../../locale/locale';
import styles from '../templates/templates.module.css';
import { type HeldRule, RULED, type Rules } from './rules';

/** Rules as somebody reads them: every kind of slot, also those of which nothing is kept. tells: which are the institution's own. */
export function RuleTable({ of, label, tells }: { of: Rules; label: string; tells: boolean }) {
  const { t } = useLocale();
  const rows: (HeldRule | Nothing)[] = RULED.flatMap((kind): (HeldRule | Nothing)[] => {
    const some = of.rules.filter((rule) => rule.kind === kind);
    return some.length > 0 ? some : [{ kind }];
  });
  return (
    <>
      {tells && of.less && <Alert type="warning" showIcon title={t('pool.less')} />}
      <p>
        {t('pool.release.said', { days: of.releaseDays, at: of.releaseAt })} {tells && <Whose own={of.ownRelease} />}
      </p>
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
          ...(tells
            ? [
                {
                  title: t('pool.whose'),
                  render: (_: unknown, row: HeldRule | Nothing) => ('pool' in row ? <Whose own={row.own} /> : ''),
                },
              ]
            : []),
        ]}
      />
      <p className={styles.quiet}>
        {t('pool.source')}：{of.source}
      </p>
    </>
  );
}

interface Nothing {
  kind: HeldRule['kind'];
}

function Whose({ own }: { own: boolean }) {
  const { t } = useLocale();
  return <Tag color={own ? 'cyan' : 'default'}>{t(own ? 'pool.own' : 'pool.region')}</Tag>;
}
