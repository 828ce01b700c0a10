import { PlusOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Popconfirm, Tag } from 'antd';
import type { Consent } from 'fhir/r4';
import { useEffect, useState } from 'react';
import { usePerson } from '../access/person';
import { whatHappened } from '../client/problem';
import { day, today } from '../fhir/dates';
import { type Key, type Translate, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Panel } from '../page/Panel';
import { Read, useReading } from '../page/reading';
import {
  institutionsOf,
  kindsOf,
  namesEmergencies,
  readConsents,
  readSeers,
  type Seer,
  standing,
  withdraw,
} from './consent';
import styles from './consent.module.css';
import { GiveConsent } from './GiveConsent';

/** `/consents`: who may see the own record, and what the resident says to it. */
export default function ConsentPage() {
  const { t } = useLocale();
  const { patient } = usePerson();
  useEffect(() => {
    document.title = `${t('consent.title')} · ${t('app.name')}`;
    return () => {
      document.title = t('app.name');
    };
  }, [t]);
  if (!patient) return <Nothing title={t('today.resident.none')} />;
  return <Mine patient={patient} />;
}

function Mine({ patient }: { patient: string }) {
  const { t } = useLocale();
  const [giving, setGiving] = useState(false);
  const queries = useQueryClient();
  const renew = () => void queries.invalidateQueries({ queryKey: ['consents', patient] });
  const seers = useReading(['consents', patient, 'seers'], (signal) => readSeers(patient, signal));
  const consents = useReading(['consents', patient, 'given'], (signal) => readConsents(patient, signal));
  return (
    <div className={styles.page}>
      <h1 className={styles.title}>{t('consent.title')}</h1>
      <p className="quiet">{t('consent.intro')}</p>
      <Panel title={t('consent.who')}>
        <Read of={seers} what={t('consent.what')}>
          {(found) =>
            found.length ? (
              <Seers seers={found} />
            ) : (
              <Nothing title={t('consent.who.none')} how={t('consent.who.none.how')} />
            )
          }
        </Read>
      </Panel>
      <Panel
        title={t('consent.given')}
        aside={
          <Button type="primary" icon={<PlusOutlined aria-hidden />} onClick={() => setGiving(true)}>
            {t('consent.add')}
          </Button>
        }
      >
        <Read of={consents} what={t('consent.what')}>
          {(found) =>
            found.length ? (
              <ul className={styles.rows}>
                {found.map((one) => (
                  <Given key={one.id} consent={one} onChanged={renew} />
                ))}
              </ul>
            ) : (
              <Nothing title={t('consent.given.none')} how={t('consent.given.none.how')} />
            )
          }
        </Read>
      </Panel>
      {giving && (
        <GiveConsent
          patient={patient}
          onClose={() => setGiving(false)}
          onGiven={() => {
            setGiving(false);
            renew();
          }}
        />
      )}
    </div>
  );
}

function Seers({ seers }: { seers: readonly Seer[] }) {
  const { t } = useLocale();
  return (
    <ul className={styles.rows}>
      {seers.map((one) => (
        <li key={one.name} className={styles.row}>
          <div>
            <strong>{one.name}</strong>
            <br />
            <span className="quiet">
              {one.grounds.map(({ kind, until }) => ground(kind, until, t)).join(t('list.separator'))}
            </span>
          </div>
          <div>
            {one.sensitive && <Tag color="volcano">{t('consent.who.sensitive')}</Tag>}
            {one.refused && <Tag color="gold">{t('consent.who.own')}</Tag>}
          </div>
        </li>
      ))}
    </ul>
  );
}

const ground = (kind: string, until: string, t: Translate): string =>
  t(`consent.ground.${kind}` as Key) + (until ? ` ${t('consent.who.until', { date: day(until) })}` : '');

export function said(consent: Consent, t: Translate): string {
  const way = consent.provision?.type;
  if (!way) return t('consent.says.other');
  const who = institutionsOf(consent).join(t('list.separator')) || t('consent.everybody');
  const kinds = kindsOf(consent)
    .map((kind) => t(`consent.kind.${kind}`))
    .join(t('list.separator'));
  return kinds ? t(`consent.says.${way}.kinds`, { who, kinds }) : t(`consent.says.${way}`, { who });
}

function Given({ consent, onChanged }: { consent: Consent; onChanged: () => void }) {
  const { t, lang } = useLocale();
  const { message } = App.useApp();
  const [working, setWorking] = useState(false);
  const how = standing(consent, today(new Date()));
  const end = consent.provision?.period?.end;
  const takeBack = async () => {
    setWorking(true);
    try {
      await withdraw(consent);
      void message.success(t('consent.withdrawn'));
      onChanged();
    } catch (error) {
      void message.error(whatHappened(error, t, lang));
    } finally {
      setWorking(false);
    }
  };
  return (
    <li className={how === 'active' ? styles.row : `${styles.row} ${styles.past}`}>
      <div>
        <strong>{said(consent, t)}</strong>
        <br />
        <span className="quiet">
          {t('consent.since', { date: day(consent.dateTime ?? consent.meta?.lastUpdated) })}
          {end && ` · ${t('consent.until', { date: day(end) })}`}
          {namesEmergencies(consent) && ` · ${t('consent.emergency.too')}`}
        </span>
      </div>
      {how === 'active' ? (
        <Popconfirm
          title={t('consent.withdraw.sure')}
          okText={t('consent.withdraw')}
          cancelText={t('do.cancel')}
          onConfirm={takeBack}
        >
          <Button danger loading={working}>
            {t('consent.withdraw')}
          </Button>
        </Popconfirm>
      ) : (
        <Tag>{t(`consent.${how}`)}</Tag>
      )}
    </li>
  );
}
