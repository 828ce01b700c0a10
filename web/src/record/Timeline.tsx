import { Button, Select } from 'antd';
import type { Encounter, FhirResource, Reference } from 'fhir/r4';
import { type ReactNode, useMemo, useState } from 'react';
import { search } from '../client/client';
import { dateTime } from '../fhir/dates';
import { useNames } from '../fhir/names';
import { byMonth, type Happening, happeningsOf, KINDS } from '../fhir/timeline';
import { useFilters } from '../list/useFilters';
import { type Key, useLocale } from '../locale/locale';
import { Nothing } from '../page/Nothing';
import { Read, useReading } from '../page/reading';
import { HappeningRow } from './HappeningRow';
import { type Pages, usePages } from './paging';
import type { TabProps } from './RecordPage';
import styles from './record.module.css';

const PAGE = 100;

/** 时间线: everything that happened, newest first, whichever institution recorded it. */
export default function Timeline({ id, birthDate }: TabProps) {
  const { t } = useLocale();
  const [get, set] = useFilters();
  const kind = KINDS.find((one) => one === get('kind'));
  const reading = usePages<FhirResource>(id, 'timeline', `Patient/${id}/$timeline`, {
    _type: kind ?? KINDS.join(','),
    _count: PAGE,
  });
  return (
    <section className={styles.sheet}>
      <Read of={reading} what={t('timeline.what')} rows={10}>
        {(pages) => (
          <Story id={id} pages={pages} birthDate={birthDate}>
            <Select
              aria-label={t('timeline.kind')}
              popupMatchSelectWidth={false}
              className={styles.choice ?? ''}
              value={kind ?? ''}
              onChange={(value) => set('kind', value)}
              options={[
                { value: '', label: t('timeline.kind.all') },
                ...KINDS.map((one) => ({ value: one, label: t(`timeline.kind.${one}` as Key) })),
              ]}
            />
          </Story>
        )}
      </Read>
    </section>
  );
}

interface StoryProps extends TabProps {
  pages: Pages<FhirResource>;
  /** The choice of kinds, beside that of institutions. */
  children: ReactNode;
}

function Story({ id, pages, birthDate, children }: StoryProps) {
  const { t, lang } = useLocale();
  const { rows } = pages;
  const happenings = useMemo(() => happeningsOf(rows, { t, lang, birthDate }), [rows, t, lang, birthDate]);
  const places = useEncounterPlaces(id, rows, happenings);
  const placeOf = (happening: Happening): Reference | undefined => happening.where ?? places.get(happening.encounter);
  const [institution, setInstitution] = useState('');

  const all = [
    ...new Map(
      happenings.flatMap((one) => placeOf(one) ?? []).map((place) => [place.reference ?? place.display ?? '', place]),
    ).values(),
  ];
  const names = useNames(all);
  const nameOf = (place: Reference | undefined) =>
    names[all.findIndex((one) => one.reference === place?.reference)] ?? place?.display ?? '';
  const shown = institution ? happenings.filter((one) => placeOf(one)?.reference === institution) : happenings;

  return (
    <>
      <div className={styles.tools}>
        {children}
        {all.length > 1 && (
          <Select
            aria-label={t('timeline.institution')}
            popupMatchSelectWidth={false}
            className={styles.choice ?? ''}
            value={institution}
            onChange={setInstitution}
            options={[
              { value: '', label: t('timeline.institution.all') },
              ...all.map((place, index) => ({
                value: place.reference ?? '',
                label: names[index] || t('timeline.institution.unknown'),
              })),
            ]}
          />
        )}
      </div>
      {rows.length === 0 && <Nothing title={t('timeline.none')} how={t('timeline.none.how')} />}
      {rows.length > 0 && shown.length === 0 && <Nothing title={t('timeline.none.filtered')} />}
      {byMonth(shown).map(({ month, happenings: its }) => (
        <section key={`${month}${its[0]?.id ?? ''}`} className={styles.month}>
          <h2>{month || t('time.unknown')}</h2>
          <ol>
            {its.map((happening) => (
              <HappeningRow
                key={happening.kind + happening.id}
                happening={happening}
                when={dateTime(happening.when)}
                where={nameOf(placeOf(happening))}
              />
            ))}
          </ol>
        </section>
      ))}
      <p className={styles.more}>
        <span className="quiet">
          {pages.total === undefined
            ? t('timeline.read', { n: rows.length })
            : t('timeline.read.of', { n: rows.length, total: pages.total })}
          {!pages.hasMore && ` · ${t('timeline.end')}`}
        </span>
        {pages.hasMore && (
          <Button size="small" loading={pages.readingMore} onClick={pages.more}>
            {t('timeline.older')}
          </Button>
        )}
      </p>
    </>
  );
}

/** At most this many visits are looked up at once; a page of the timeline rarely touches more. */
const VISITS = 100;

/** Where each visit was, for what happened during it: from the visits read, and from those only referred to. */
function useEncounterPlaces(
  id: string,
  rows: readonly FhirResource[],
  happenings: readonly Happening[],
): ReadonlyMap<string, Reference> {
  const known = new Map<string, Reference>();
  for (const row of rows) {
    if (row.resourceType === 'Encounter' && row.serviceProvider)
      known.set(`Encounter/${row.id ?? ''}`, row.serviceProvider);
  }
  const missing = [
    ...new Set(
      happenings.filter((one) => !one.where && one.encounter && !known.has(one.encounter)).map((one) => one.encounter),
    ),
  ]
    .slice(0, VISITS)
    .map((reference) => reference.replace('Encounter/', ''))
    .sort();
  const reading = useReading(
    ['patient', id, 'visits', missing],
    (signal) => search<Encounter>('Encounter', { patient: id, _id: missing.join(','), _count: VISITS }, signal),
    { enabled: missing.length > 0 },
  );
  if (reading.state === 'here') {
    for (const encounter of reading.value.matches) {
      if (encounter.serviceProvider) known.set(`Encounter/${encounter.id ?? ''}`, encounter.serviceProvider);
    }
  }
  return known;
}
