import { ArrowLeftOutlined, PrinterOutlined } from '@ant-design/icons';
import { Button, Segmented, Select } from 'antd';
import { type KeyboardEvent, useState } from 'react';
import { Link, useNavigate, useParams, useSearchParams } from 'react-router';
import { usePerson } from '../access/person';
import { dateTime } from '../fhir/dates';
import { useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read, useReading } from '../page/reading';
import { BedCard, type Doing } from './BedCard';
import { BedForm } from './BedForm';
import { wardsOf } from './BedsPage';
import { type Bed, rooms, STATES, type State, type Ward, wardOf } from './beds';
import styles from './beds.module.css';
import { worksOnWards } from './index';

/** `/beds/{ward}`: the beds of a ward by room, who lies there, and what can be done about it. */
export default function WardPage() {
  const { id = '' } = useParams();
  const { t } = useLocale();
  const reading = useReading(['beds', 'ward', id], (signal) => wardOf(id, signal), { refetchInterval: 15_000 });
  return (
    <section className={styles.page}>
      <Link to="/beds" className={styles.back}>
        <ArrowLeftOutlined aria-hidden /> {t('bed.back')}
      </Link>
      <Read of={reading} what={t('bed.what')} rows={8}>
        {(ward) => <Board ward={ward} key={ward.id} />}
      </Read>
    </section>
  );
}

function Board({ ward }: { ward: Ward }) {
  const { t } = useLocale();
  const person = usePerson();
  const ours = person.institution?.reference === ward.institution.reference && worksOnWards(person);
  const [asked, setAsked] = useSearchParams();
  const [doing, setDoing] = useState<Doing | null>(null);
  const only = STATES.find((state) => state === asked.get('state'));
  const shown = only ? ward.beds.filter((bed) => bed.state === only) : ward.beds;
  const many = (state: State) => ward.beds.filter((bed) => bed.state === state).length;
  const free = ward.beds.some((bed) => bed.state === 'free');
  return (
    <>
      <header className={styles.head}>
        <div className={styles.title}>
          <h1>{ward.name}</h1>
          <p className="quiet">
            {ward.institution.display} · {t('bed.at', { time: dateTime(ward.at) })}
          </p>
        </div>
        <div className={styles.tools}>
          <OtherWard ward={ward} />
          <Button icon={<PrinterOutlined aria-hidden />} onClick={() => print()}>
            {t('bed.print')}
          </Button>
          {ours && (
            <Button type="primary" disabled={!free} onClick={() => setDoing({ what: 'admit', bed: null })}>
              {t('bed.admit')}
            </Button>
          )}
        </div>
      </header>
      <div className={styles.filter}>
        <Segmented
          aria-label={t('bed.filter')}
          value={only ?? ''}
          onChange={(state) => setAsked(state ? { state } : {}, { replace: true })}
          options={[
            { value: '', label: t('bed.filter.all', { n: ward.beds.length }) },
            ...STATES.map((state) => ({ value: state as string, label: `${t(`bed.state.${state}`)} ${many(state)}` })),
          ]}
        />
      </div>
      {shown.length === 0 ? (
        <Nothing title={t(only ? 'bed.region.none' : 'bed.none')} how={only ? undefined : t('bed.none.how')} />
      ) : (
        // biome-ignore lint/a11y/noStaticElementInteractions: arrow keys go from card to card; each card has its own controls.
        <div className={styles.rooms} onKeyDown={goOn}>
          {rooms(shown).map(([room, beds]) => (
            <section key={room} className={styles.room} aria-label={room || t('bed.room.none')}>
              <h2>{room || t('bed.room.none')}</h2>
              <div className={styles.cards}>
                {beds.map((bed: Bed) => (
                  <BedCard key={bed.id} bed={bed} onDo={ours ? (what) => setDoing({ what, bed }) : undefined} />
                ))}
              </div>
            </section>
          ))}
        </div>
      )}
      {doing && <BedForm doing={doing} ward={ward} onDone={() => setDoing(null)} />}
    </>
  );
}

/** Arrow keys, j and k from one bed to the next. */
function goOn(event: KeyboardEvent<HTMLDivElement>): void {
  const step = { ArrowRight: 1, j: 1, ArrowLeft: -1, k: -1 }[event.key];
  const from = (event.target as HTMLElement).closest<HTMLElement>('[data-bed]');
  if (!step || event.target !== from) return;
  const cards = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-bed]')];
  cards[cards.indexOf(from) + step]?.focus();
  event.preventDefault();
}

function OtherWard({ ward }: { ward: Ward }) {
  const { t } = useLocale();
  const navigate = useNavigate();
  const of = ward.institution.reference ?? '';
  const reading = useReading(['beds', 'wards', of], (signal) => wardsOf(of, signal));
  if (reading.state !== 'here' || reading.value.length < 2) return null;
  return (
    <Select
      aria-label={t('bed.ward.choose')}
      value={`Location/${ward.id}`}
      onChange={(key: string) => void navigate(`/beds/${key.split('/')[1] ?? ''}`)}
      options={reading.value.map((one) => ({ value: one.key, label: one.place?.display }))}
      className={styles.choice ?? ''}
    />
  );
}
