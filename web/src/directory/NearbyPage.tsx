import { AimOutlined } from '@ant-design/icons';
import { Button, Input, Segmented, Select } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';
import { LanguageSwitch } from '../access/LanguageSwitch';
import { useFilters } from '../list/useFilters';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read } from '../page/reading';
import { called, matches } from '../referral/codes/search';
import { SPECIALTIES } from '../referral/codes/specialties';
import styles from './directory.module.css';
import { type Place, useAllPlaces, useAreas, usePlaces } from './places';
import { RegionMap } from './RegionMap';

const PAGE = 20;
const MOST = 100;
const WAIT_MS = 15_000;

/** `/nearby`: institutions for residents, nearest first, without signing in. Where somebody is stays in the address of this page alone. */
export default function NearbyPage() {
  const { t, lang } = useLocale();
  const [get, set] = useFilters();
  const [shown, setShown] = useState(PAGE);
  const [locating, setLocating] = useState<'' | 'busy' | 'failed'>('');
  const asked = { text: get('q'), specialty: get('specialty'), near: get('near') };
  const onMap = get('view') === 'map';
  const locate = () => {
    if (!navigator.geolocation) return setLocating('failed');
    setLocating('busy');
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        setLocating('');
        set('near', `${coords.latitude.toFixed(3)},${coords.longitude.toFixed(3)}`);
      },
      () => setLocating('failed'),
      { timeout: WAIT_MS, maximumAge: 5 * 60_000 },
    );
  };
  return (
    <main className={styles.public}>
      <header>
        <h1>{t('nearby.title')}</h1>
        <span>
          <LanguageSwitch /> <Link to="/">{t('nearby.sign-in')}</Link>
        </span>
      </header>
      <div className={styles.filters}>
        <Button icon={<AimOutlined />} size="large" loading={locating === 'busy'} onClick={locate}>
          {t(asked.near ? 'nearby.again' : 'nearby.here')}
        </Button>
        <Input.Search
          allowClear
          size="large"
          aria-label={t('directory.find')}
          placeholder={t('directory.find.how')}
          defaultValue={asked.text}
          onSearch={(text) => set('q', text.trim())}
          style={{ width: 240 }}
        />
        <Select
          size="large"
          allowClear
          showSearch={{
            filterOption: (typed, option) => {
              const one = SPECIALTIES.find((specialty) => specialty.code === option?.value);
              return one ? matches(one, typed) : false;
            },
          }}
          aria-label={t('directory.department')}
          placeholder={t('directory.department.all')}
          {...(asked.specialty ? { value: asked.specialty } : {})}
          onChange={(code?: string) => set('specialty', code ?? '')}
          options={SPECIALTIES.map((one) => ({ value: one.code, label: one[lang] }))}
          style={{ width: 180 }}
        />
        <Segmented
          size="large"
          aria-label={t('directory.view')}
          value={onMap ? 'map' : 'list'}
          onChange={(view) => set('view', view === 'map' ? 'map' : '')}
          options={[
            { value: 'list', label: t('directory.view.list') },
            { value: 'map', label: t('directory.view.map') },
          ]}
        />
      </div>
      {locating === 'failed' && <p role="alert">{t('nearby.not-located')}</p>}
      {onMap ? <OnMap asked={asked} /> : <List asked={asked} shown={shown} onMore={() => setShown(shown + PAGE)} />}
    </main>
  );
}

interface Narrowed {
  text: string;
  specialty: string;
  near: string;
}

function List({ asked, shown, onMore }: { asked: Narrowed; shown: number; onMore: () => void }) {
  const { t } = useLocale();
  const found = usePlaces({ ...asked, count: Math.min(shown, MOST) });
  return (
    <Read of={found} what={t('directory.what')} rows={8}>
      {({ institutions, total }) =>
        total === 0 ? (
          <Nothing title={t('directory.none')} how={t('directory.none.how')} />
        ) : (
          <>
            <p className="quiet">{t('list.total', { n: total })}</p>
            <ul className={styles.cards} aria-label={t('directory.what')}>
              {institutions.map((one) => (
                <li key={one.id}>
                  <Card one={one} />
                </li>
              ))}
            </ul>
            {total > institutions.length && institutions.length < MOST && (
              <Button block size="large" onClick={onMore}>
                {t('list.more')}
              </Button>
            )}
          </>
        )
      }
    </Read>
  );
}

function Card({ one }: { one: Place }) {
  const { t, lang } = useLocale();
  return (
    <article className={styles.card}>
      <h2>
        <Link to={`/nearby/${one.id}`}>{one.name}</Link>
        {one.km !== undefined && <span>{t('nearby.km', { n: one.km })}</span>}
      </h2>
      <p>{one.grade || t(`referral.tier.${one.tier}` as Key)}</p>
      <p className="quiet">{one.address}</p>
      <p className="quiet">
        {one.specialties
          .slice(0, 6)
          .map(({ code }) => called(SPECIALTIES, code, lang))
          .join(t('list.separator'))}
        {one.specialties.length > 6 && ` ${t('directory.departments.more', { n: one.specialties.length })}`}
      </p>
      {one.phone && (
        <p>
          <a href={`tel:${one.phone.replace(/[^\d+]/g, '')}`}>{one.phone}</a>
        </p>
      )}
    </article>
  );
}

function OnMap({ asked }: { asked: Narrowed }) {
  const { t } = useLocale();
  const areas = useAreas();
  const all = useAllPlaces({ ...asked }, true);
  const [chosen, setChosen] = useState('');
  const [latitude, longitude] = asked.near.split(',').map(Number);
  return (
    <Read of={all} what={t('directory.what')} rows={8}>
      {(places) => {
        const one = places.find((place) => place.id === chosen);
        return (
          <>
            <RegionMap
              label={t('directory.map')}
              areas={areas.state === 'here' ? areas.value : []}
              marks={places
                .filter((place) => place.latitude !== undefined)
                .map((place) => ({
                  id: place.id,
                  name: place.short,
                  tier: place.tier,
                  latitude: place.latitude ?? 0,
                  longitude: place.longitude ?? 0,
                }))}
              chosen={chosen}
              onChoose={setChosen}
              here={latitude && longitude ? { latitude, longitude } : undefined}
            />
            <div className={styles.cards} aria-live="polite">
              {one ? <Card one={one} /> : <p className="quiet">{t('nearby.choose')}</p>}
            </div>
          </>
        );
      }}
    </Read>
  );
}
