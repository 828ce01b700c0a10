import { Segmented, Select, Table } from 'antd';
import { Link, useSearchParams } from 'react-router';
import { usePerson } from '../access/person';
import { dateTime } from '../fhir/dates';
import { type Translate, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Panel } from '../page/Panel';
import { Read, useReading } from '../page/reading';
import { matches, nameIn } from '../referral/codes/search';
import { SPECIALTIES } from '../referral/codes/specialties';
import { Counts, Strip } from './BedState';
import { type Contradiction, contradictions, counted, KINDS, type Numbers, STATES } from './beds';
import styles from './beds.module.css';
import { FreeChart } from './FreeChart';
import { worksOnWards } from './index';

const NOTHING = { code: '', zh: '', en: '', pinyin: '' };
const LIVE = { refetchInterval: 20_000 };

/** `/beds`: the wards of the own house, what has to be checked there, and what is free in the region. */
export default function BedsPage() {
  const { t } = useLocale();
  const person = usePerson();
  const [asked, setAsked] = useSearchParams();
  const own = person.institution;
  const other = asked.get('institution') ?? '';
  return (
    <section className={styles.page}>
      <header className={styles.title}>
        <h1>{t('bed.title')}</h1>
        <p className="quiet">{t('bed.how')}</p>
      </header>
      {own && worksOnWards(person) && <ToCheck />}
      {own && <Wards of={own.reference} name={own.name} />}
      {other && other !== own?.reference && <Wards of={other} name={asked.get('name') ?? ''} />}
      <Region asked={asked} onAsk={(next) => setAsked(next, { replace: true })} own={own?.reference ?? ''} />
    </section>
  );
}

function Wards({ of, name }: { of: string; name: string }) {
  const { t } = useLocale();
  const reading = useReading(['beds', 'wards', of], (signal) => wardsOf(of, signal), LIVE);
  return (
    <Panel title={t('bed.own', { institution: name })}>
      <Read of={reading} what={t('bed.what')} rows={4}>
        {(wards) =>
          wards.length === 0 ? (
            <Nothing title={t('bed.own.none')} how={t('bed.own.none.how')} />
          ) : (
            <ul className={styles.wards}>
              {wards.map((ward) => (
                <li key={ward.key}>
                  <Link to={`/beds/${ward.key.split('/')[1] ?? ''}`} className={styles.ward}>
                    <strong>{ward.place?.display}</strong>
                    <Strip of={ward} />
                    <Counts of={ward} />
                    {ward.leaving > 0 && (
                      <span className="quiet">
                        {t('bed.leaving')} {ward.leaving}
                      </span>
                    )}
                  </Link>
                </li>
              ))}
            </ul>
          )
        }
      </Read>
    </Panel>
  );
}

/** All wards of a house: those for in-patients, then the day wards. */
export async function wardsOf(institution: string, signal: AbortSignal): Promise<readonly Numbers[]> {
  const [stay, hours] = await Promise.all([
    counted({ by: 'ward', institution }, signal),
    counted({ by: 'ward', institution, kind: 'day' }, signal),
  ]);
  return [...stay.toSorted(byName), ...hours.toSorted(byName)];
}

const byName = (one: Numbers, two: Numbers): number =>
  (one.place?.display ?? '').localeCompare(two.place?.display ?? '', 'zh-CN');

function ToCheck() {
  const { t } = useLocale();
  const reading = useReading(['beds', 'contradictions'], contradictions, LIVE);
  if (reading.state !== 'here' || reading.value.length === 0) return null;
  return (
    <section className={styles.check} aria-label={t('bed.contradictions')}>
      <h2>
        {t('bed.contradictions')} <span>{reading.value.length}</span>
      </h2>
      <p>{t('bed.contradictions.how')}</p>
      <ul>
        {reading.value.map((one) => (
          <li key={one.key}>
            <Link to={`/beds/${one.ward}`}>{one.bed}</Link> {t(`bed.contradiction.${one.kind}`)}
            <Whose of={one} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Whose({ of }: { of: Contradiction }) {
  const { t } = useLocale();
  return (
    <span className="quiet">
      {of.patient?.display} {t('bed.contradiction.since', { time: dateTime(of.since) })}
    </span>
  );
}

function Region({
  asked,
  onAsk,
  own,
}: {
  asked: URLSearchParams;
  onAsk: (next: Record<string, string>) => void;
  own: string;
}) {
  const { t, lang } = useLocale();
  const by = asked.get('by') === 'specialty' ? 'specialty' : 'institution';
  const specialty = asked.get('specialty') ?? '';
  const kind = KINDS.find((one) => one === asked.get('kind')) ?? '';
  const choose = (name: string, value: string | undefined) =>
    onAsk(
      Object.fromEntries(Object.entries({ ...Object.fromEntries(asked), [name]: value ?? '' }).filter(([, v]) => v)),
    );
  const reading = useReading(
    ['beds', 'region', by, specialty, kind],
    (signal) => counted({ by, specialty, kind }, signal),
    LIVE,
  );
  return (
    <Panel title={t('bed.region')}>
      <div className={styles.choices}>
        <Segmented
          aria-label={t('bed.by')}
          value={by}
          onChange={(value) => choose('by', value)}
          options={(['institution', 'specialty'] as const).map((value) => ({ value, label: t(`bed.by.${value}`) }))}
        />
        <Select
          aria-label={t('bed.specialty')}
          allowClear
          showSearch={{ filterOption: (typed, option) => matches(option?.one ?? NOTHING, typed) }}
          placeholder={t('bed.specialty.all')}
          value={specialty || undefined}
          onChange={(value: string | undefined) => choose('specialty', value)}
          options={SPECIALTIES.map((one) => ({ value: one.code, label: nameIn(one, lang), one }))}
          className={styles.choice ?? ''}
        />
        <Select
          aria-label={t('bed.kind')}
          value={kind}
          onChange={(value: string) => choose('kind', value)}
          options={[
            { value: '', label: t('bed.kind.all') },
            ...KINDS.map((value) => ({ value: value as string, label: t(`bed.kind.${value}`) })),
          ]}
          className={styles.choice ?? ''}
        />
      </div>
      <Read of={reading} what={t('bed.what')} rows={6}>
        {(groups) =>
          groups.length === 0 ? (
            <Nothing title={t('bed.region.none')} how={t('bed.region.none.how')} />
          ) : (
            <>
              <FreeChart groups={groups.map((one) => ({ name: nameOf(one, t), numbers: one }))} />
              <Groups of={groups} by={by} own={own} onOpen={(one) => onAsk(opened(asked, one))} />
            </>
          )
        }
      </Read>
    </Panel>
  );
}

const opened = (asked: URLSearchParams, one: Numbers): Record<string, string> => ({
  ...Object.fromEntries(asked),
  institution: one.institution?.reference ?? '',
  name: one.institution?.display ?? '',
});

const nameOf = (one: Numbers, t: Translate): string =>
  one.place?.display ?? one.specialty?.display?.replace(/专业$/, '') ?? t('bed.specialty.none');

function Groups({
  of,
  by,
  own,
  onOpen,
}: {
  of: readonly Numbers[];
  by: 'institution' | 'specialty';
  own: string;
  onOpen: (one: Numbers) => void;
}) {
  const { t } = useLocale();
  return (
    <Table<Numbers>
      aria-label={t('bed.region')}
      size="small"
      rowKey="key"
      dataSource={[...of]}
      pagination={of.length > 50 ? { pageSize: 50, showSizeChanger: false } : false}
      scroll={{ x: 'max-content' }}
      columns={[
        {
          title: t(`bed.${by}`),
          key: 'name',
          fixed: 'left',
          rowScope: 'row',
          render: (_: unknown, one) =>
            by === 'institution' && one.institution?.reference !== own ? (
              <button type="button" className="link" onClick={() => onOpen(one)}>
                {nameOf(one, t)}
              </button>
            ) : (
              nameOf(one, t)
            ),
        },
        ...STATES.map((state) => ({
          title: t(`bed.state.${state}`),
          dataIndex: state,
          align: 'right' as const,
          render: (value: number) => (state === 'free' ? <strong>{value}</strong> : value),
        })),
        { title: t('bed.leaving'), dataIndex: 'leaving', align: 'right' as const },
        { title: t('bed.total'), dataIndex: 'total', align: 'right' as const },
      ]}
    />
  );
}
