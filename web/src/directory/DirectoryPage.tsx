import { Input, Segmented, Select, Table } from 'antd';
import { Link, useSearchParams } from 'react-router';
import { usePerson } from '../access/person';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read } from '../page/reading';
import { called, matches } from '../referral/codes/search';
import { SPECIALTIES } from '../referral/codes/specialties';
import { keepsDirectory } from '.';
import styles from './directory.module.css';
import { type Place, useAllPlaces, useAreas, usePlaces } from './places';
import { RegionMap } from './RegionMap';

const PAGE = 30;
const TIERS = ['city', 'county', 'township', 'village'] as const;

/** `/directory`: the institutions of the region, as a list or on the map, narrowed down by name, tier and department. */
export default function DirectoryPage() {
  const { t, lang } = useLocale();
  const person = usePerson();
  const [query, setQuery] = useSearchParams();
  const asked = {
    text: query.get('q') ?? '',
    tier: query.get('tier') ?? '',
    specialty: query.get('specialty') ?? '',
  };
  const onMap = query.get('view') === 'map';
  const page = Math.max(1, Number(query.get('page')) || 1);
  const set = (name: string, value: string) =>
    setQuery(
      (old) => {
        const next = new URLSearchParams(old);
        if (value) next.set(name, value);
        else next.delete(name);
        if (name !== 'page') next.delete('page');
        return next;
      },
      { replace: true },
    );
  return (
    <section className={styles.page}>
      <h1>{t('directory.title')}</h1>
      <div className={styles.filters}>
        <Input.Search
          allowClear
          aria-label={t('directory.find')}
          placeholder={t('directory.find.how')}
          defaultValue={asked.text}
          onSearch={(text) => set('q', text.trim())}
          style={{ width: 260 }}
        />
        <Select
          aria-label={t('directory.tier')}
          value={asked.tier}
          onChange={(tier) => set('tier', tier)}
          options={[
            { value: '', label: t('directory.tier.all') },
            ...TIERS.map((tier) => ({ value: tier as string, label: t(`referral.tier.${tier}` as Key) })),
          ]}
          popupMatchSelectWidth={false}
        />
        <Select
          showSearch={{
            filterOption: (typed, option) => {
              const one = SPECIALTIES.find((specialty) => specialty.code === option?.value);
              return one ? matches(one, typed) : false;
            },
          }}
          allowClear
          aria-label={t('directory.department')}
          placeholder={t('directory.department.all')}
          {...(asked.specialty ? { value: asked.specialty } : {})}
          onChange={(code?: string) => set('specialty', code ?? '')}
          options={SPECIALTIES.map((one) => ({ value: one.code, label: one[lang] }))}
          style={{ width: 190 }}
        />
        {keepsDirectory(person) && <Link to="/directory/keep">{t('kept.title')}</Link>}
        {keepsDirectory(person) && <Link to="/directory/import">{t('import.title')}</Link>}
        <Segmented
          aria-label={t('directory.view')}
          value={onMap ? 'map' : 'list'}
          onChange={(view) => set('view', view === 'map' ? 'map' : '')}
          options={[
            { value: 'list', label: t('directory.view.list') },
            { value: 'map', label: t('directory.view.map') },
          ]}
        />
      </div>
      {onMap ? (
        <OnMap asked={asked} />
      ) : (
        <List asked={asked} page={page} onPage={(next) => set('page', next > 1 ? String(next) : '')} />
      )}
    </section>
  );
}

interface Narrowed {
  text: string;
  tier: string;
  specialty: string;
}

function List({ asked, page, onPage }: { asked: Narrowed; page: number; onPage: (page: number) => void }) {
  const { t, lang } = useLocale();
  const found = usePlaces({ ...asked, offset: (page - 1) * PAGE, count: PAGE });
  return (
    <Read of={found} what={t('directory.what')} rows={10}>
      {({ institutions, total }) =>
        total === 0 ? (
          <Nothing title={t('directory.none')} how={t('directory.none.how')} />
        ) : (
          <Table<Place>
            size="small"
            rowKey="id"
            aria-label={t('directory.title')}
            dataSource={[...institutions]}
            pagination={{
              current: page,
              pageSize: PAGE,
              total,
              showSizeChanger: false,
              onChange: onPage,
              hideOnSinglePage: true,
            }}
            scroll={{ x: 'max-content' }}
            columns={[
              {
                title: t('directory.name'),
                key: 'name',
                render: (_, one) => <Link to={`/directory/${one.id}`}>{one.name}</Link>,
              },
              {
                title: t('directory.tier'),
                key: 'tier',
                render: (_, one) => one.grade || t(`referral.tier.${one.tier}` as Key),
              },
              {
                title: t('directory.departments'),
                key: 'departments',
                render: (_, one) => (
                  <span className={styles.short}>
                    {one.specialties
                      .slice(0, 4)
                      .map(({ code }) => called(SPECIALTIES, code, lang))
                      .join(t('list.separator'))}
                    {one.specialties.length > 4 && ` ${t('directory.departments.more', { n: one.specialties.length })}`}
                  </span>
                ),
              },
              { title: t('directory.district'), dataIndex: 'district' },
              {
                title: t('directory.phone'),
                key: 'phone',
                render: (_, one) => <span className={styles.whole}>{one.phone}</span>,
              },
            ]}
            footer={() => t('list.total', { n: total })}
          />
        )
      }
    </Read>
  );
}

function OnMap({ asked }: { asked: Narrowed }) {
  const { t } = useLocale();
  const [query, setQuery] = useSearchParams();
  const areas = useAreas();
  const all = useAllPlaces(asked, true);
  const chosen = query.get('at') ?? '';
  return (
    <Read of={all} what={t('directory.what')} rows={10}>
      {(places) => {
        const placed = places.filter((one) => one.latitude !== undefined && one.longitude !== undefined);
        const one = places.find((place) => place.id === chosen);
        return (
          <div className={styles.withMap}>
            <RegionMap
              label={t('directory.map')}
              areas={areas.state === 'here' ? areas.value : []}
              marks={placed.map((place) => ({
                id: place.id,
                name: place.short,
                tier: place.tier,
                latitude: place.latitude ?? 0,
                longitude: place.longitude ?? 0,
              }))}
              chosen={chosen}
              onChoose={(id) =>
                setQuery(
                  (old) => {
                    const next = new URLSearchParams(old);
                    next.set('at', id);
                    return next;
                  },
                  { replace: true },
                )
              }
            />
            <div className={styles.aside} aria-live="polite">
              {one ? (
                <>
                  <h2>
                    <Link to={`/directory/${one.id}`}>{one.name}</Link>
                  </h2>
                  <p>{one.grade || t(`referral.tier.${one.tier}` as Key)}</p>
                  <p className="quiet">{one.address}</p>
                  <p>{one.phone}</p>
                </>
              ) : (
                <p className="quiet">{t('directory.map.choose', { n: placed.length })}</p>
              )}
            </div>
          </div>
        );
      }}
    </Read>
  );
}
