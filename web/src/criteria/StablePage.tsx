import { Button, Select, Table } from 'antd';
import type { Parameters } from 'fhir/r4';
import { useEffect, useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import { ask } from '../client/client';
import { patientLine } from '../fhir/patient';
import { useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read, useReading } from '../page/reading';
import styles from './criteria.module.css';
import { dayOfStay, downAddress, type Place, type Stable, type Ward, wardOf } from './stable';

const LOOKED_AT = 50;

/** `/can-go-down`: who of our in-patients meets a criterion for going down, and who could take them. */
export default function StablePage() {
  const { t } = useLocale();
  const [query, setQuery] = useSearchParams();
  const [cursors, setCursors] = useState<readonly string[]>(['']);
  const department = query.get('department') ?? '';
  useEffect(() => {
    document.title = `${t('stable.title')} · ${t('app.name')}`;
    return () => {
      document.title = t('app.name');
    };
  }, [t]);
  return (
    <section>
      <h1>{t('stable.title')}</h1>
      <p className="quiet">{t('stable.how')}</p>
      {cursors.map((cursor, place) => (
        <Part
          key={`${department} ${cursor}`}
          cursor={cursor}
          department={department}
          first={place === 0}
          last={place === cursors.length - 1}
          onDepartment={(next) => {
            setCursors(['']);
            setQuery(next ? { department: next } : {}, { replace: true });
          }}
          onMore={(next) => setCursors([...cursors, next])}
        />
      ))}
    </section>
  );
}

interface PartProps {
  cursor: string;
  department: string;
  first: boolean;
  last: boolean;
  onDepartment: (department: string) => void;
  onMore: (cursor: string) => void;
}

function Part({ cursor, department, first, last, onDepartment, onMore }: PartProps) {
  const { t } = useLocale();
  const reading = useReading(
    ['stable', department, cursor],
    (signal) =>
      ask<Parameters>('Encounter/$can-go-down', { department, _count: LOOKED_AT, _cursor: cursor }, signal).then(
        wardOf,
      ),
    { staleTime: 60_000 },
  );
  return (
    <Read of={reading} what={t('stable.what')} rows={8}>
      {(ward) => (
        <>
          {first && <Choice ward={ward} department={department} onDepartment={onDepartment} />}
          <p className="quiet">{t('stable.looked', { n: ward.looked, m: ward.stable.length })}</p>
          {ward.stable.length > 0 ? (
            <Rows ward={ward} />
          ) : (
            first && !ward.next && <Nothing title={t('stable.none')} how={t('stable.none.how')} />
          )}
          {last && ward.next && <Button onClick={() => onMore(ward.next)}>{t('do.more')}</Button>}
        </>
      )}
    </Read>
  );
}

function Choice({ ward, department, onDepartment }: { ward: Ward } & Pick<PartProps, 'department' | 'onDepartment'>) {
  const { t } = useLocale();
  if (ward.departments.length < 2 && !department) return null;
  return (
    <div className={styles.filters}>
      <Select
        aria-label={t('stable.department')}
        style={{ minWidth: 180 }}
        value={department}
        onChange={onDepartment}
        options={[
          { value: '', label: t('stable.all') },
          ...ward.departments.map(({ code, name }) => ({ value: code, label: name })),
        ]}
      />
    </div>
  );
}

function Rows({ ward }: { ward: Ward }) {
  const { t } = useLocale();
  const now = new Date();
  return (
    <Table<Stable>
      aria-label={t('stable.title')}
      size="small"
      rowKey={(one) => one.encounter.id ?? ''}
      pagination={false}
      dataSource={ward.stable}
      scroll={{ x: 'max-content' }}
      columns={[
        {
          title: t('stable.patient'),
          key: 'patient',
          render: (_, one) => <Link to={`/patients/${one.patient.id ?? ''}`}>{patientLine(one.patient, now, t)}</Link>,
        },
        {
          title: t('stable.stay'),
          key: 'stay',
          render: (_, one) => (
            <>
              {one.encounter.serviceType?.text}
              <div className="quiet">{t('stable.days', { n: dayOfStay(one.encounter, now) })}</div>
            </>
          ),
        },
        {
          title: t('stable.why'),
          key: 'why',
          width: 420,
          render: (_, one) => (
            <ul className={styles.places}>
              {one.criteria.map((criterion) => (
                <li key={criterion.key} className={styles.wrapped}>
                  <strong>{criterion.title}</strong>
                  <div className={`quiet ${styles.small}`}>{criterion.explanation}</div>
                </li>
              ))}
            </ul>
          ),
        },
        {
          title: t('stable.where'),
          key: 'where',
          render: (_, one) =>
            one.places.length === 0 ? (
              <>
                <span className="quiet">{t('stable.where.none')}</span>{' '}
                <Link to={downAddress(one, undefined)}>{t('stable.refer')}</Link>
              </>
            ) : (
              <ul className={styles.places}>
                {one.places.map((place) => (
                  <PlaceRow key={place.reference} stable={one} place={place} />
                ))}
              </ul>
            ),
        },
      ]}
    />
  );
}

function PlaceRow({ stable, place }: { stable: Stable; place: Place }) {
  const { t } = useLocale();
  return (
    <li>
      <span>
        <strong>{place.name}</strong>
        {place.home && <span className="quiet"> · {t('stable.home')}</span>}
        <span className={`quiet ${styles.small}`}>
          {place.km !== undefined && place.km > 0 && ` · ${t('stable.way', { km: place.km, min: place.minutes ?? 0 })}`}
          {place.bedsFree !== undefined && ` · ${t('stable.beds', { n: place.bedsFree })}`}
        </span>
      </span>
      <Link to={downAddress(stable, place)}>{t('stable.refer')}</Link>
    </li>
  );
}
