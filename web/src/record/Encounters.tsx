import type { Encounter } from 'fhir/r4';
import { dateTime } from '../fhir/dates';
import { encounterDoctor, encounterKind, encounterReasons, stayDays } from '../fhir/encounter';
import { Name } from '../fhir/Name';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read } from '../page/reading';
import { More } from './More';
import { usePages } from './paging';
import type { TabProps } from './RecordPage';
import styles from './record.module.css';

const PAGE = 50;

/** 就诊: when, where, with whom and why, over all institutions. */
export default function Encounters({ id }: TabProps) {
  const { t } = useLocale();
  const reading = usePages<Encounter>(id, 'encounters', 'Encounter', {
    patient: id,
    _sort: '-date',
    _count: PAGE,
    _total: 'accurate',
  });
  return (
    <Read of={reading} what={t('encounter.what')} rows={8}>
      {(pages) =>
        pages.rows.length === 0 ? (
          <Nothing title={t('encounter.none')} how={t('encounter.none.how')} />
        ) : (
          <section className={styles.sheet}>
            <table className={styles.grid}>
              <thead>
                <tr>
                  <th scope="col">{t('encounter.when')}</th>
                  <th scope="col">{t('encounter.kind')}</th>
                  <th scope="col">{t('encounter.where')}</th>
                  <th scope="col">{t('encounter.who')}</th>
                  <th scope="col" style={{ width: '42%' }}>
                    {t('encounter.why')}
                  </th>
                </tr>
              </thead>
              <tbody>
                {pages.rows.map((encounter) => (
                  <Row key={encounter.id} encounter={encounter} />
                ))}
              </tbody>
            </table>
            <More pages={pages} label={t('list.more')} />
          </section>
        )
      }
    </Read>
  );
}

function Row({ encounter }: { encounter: Encounter }) {
  const { t } = useLocale();
  const days = stayDays(encounter);
  const over = encounter.status === 'finished';
  return (
    <tr>
      <th scope="row" className={styles.keep}>
        {dateTime(encounter.period?.start) || t('time.unknown')}
      </th>
      <td className={styles.keep}>
        {encounterKind(encounter, t)}
        {days !== null && <span className="quiet"> {t('encounter.days', { n: days })}</span>}
        {!over && <span className={styles.running}> {t(`status.${encounter.status}` as Key)}</span>}
      </td>
      <td>
        <Name of={encounter.serviceProvider} otherwise="—" />
      </td>
      <td className="quiet">
        <Name of={encounterDoctor(encounter)} otherwise="—" />
      </td>
      <td>{encounterReasons(encounter).join(t('list.separator')) || '—'}</td>
    </tr>
  );
}
