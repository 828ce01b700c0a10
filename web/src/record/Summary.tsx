import type { CarePlan, Condition, FhirResource, Immunization, MedicationRequest } from 'fhir/r4';
import type { ReactNode } from 'react';
import type { Page } from '../client/client';
import { isNoKnownAllergy, isSevere, reactionsOf, substanceOf } from '../fhir/allergy';
import { conceptText } from '../fhir/concept';
import { problemsOf } from '../fhir/condition';
import { ago, day } from '../fhir/dates';
import { dosageText, drugName } from '../fhir/medication';
import { type Key, useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import { Read } from '../page/reading';
import type { TabProps } from './RecordPage';
import { useAllergies, useCarePlans, useCurrentMedication, useImmunizations, useProblems } from './readings';
import styles from './record.module.css';
import { VitalSigns } from './VitalSigns';

/** 概览: what holds now, on one screen. */
export function Summary({ id, birthDate }: TabProps) {
  const { t } = useLocale();
  const problems = useProblems(id);
  const medication = useCurrentMedication(id);
  const allergies = useAllergies(id);
  const immunizations = useImmunizations(id);
  const carePlans = useCarePlans(id);
  return (
    <div className={styles.summary}>
      <div>
        <Panel title={t('record.problems')}>
          <Read of={problems} what={t('record.problems')}>
            {(page) => <Problems page={page} />}
          </Read>
        </Panel>
        <Panel title={t('record.medication')}>
          <Read of={medication} what={t('record.medication')}>
            {(page) => (
              <Items page={page} none="record.medication.none" row={(request) => <Medicine request={request} />} />
            )}
          </Read>
        </Panel>
        <Panel title={t('record.careplans')}>
          <Read of={carePlans} what={t('record.careplans')} rows={2}>
            {(page) => <Items page={page} none="record.careplans.none" row={(plan) => <Plan plan={plan} />} />}
          </Read>
        </Panel>
      </div>
      <div>
        <VitalSigns id={id} birthDate={birthDate} />
        <Panel title={t('record.allergies')}>
          <Read of={allergies} what={t('record.allergies')} rows={2}>
            {(all) =>
              all.length === 0 ? (
                <p className={styles.none}>{t('record.allergies.none')}</p>
              ) : (
                <ul className={styles.items}>
                  {all.map((allergy) => (
                    <li key={allergy.id}>
                      <span>
                        <span className={isNoKnownAllergy(allergy) ? undefined : styles.allergen}>
                          {substanceOf(allergy)}
                        </span>{' '}
                        {isSevere(allergy) && <span className={styles.critical}>{t('record.allergies.high')}</span>}
                      </span>
                      <span className="quiet"> {reactionsOf(allergy).join(t('list.separator'))}</span>
                    </li>
                  ))}
                </ul>
              )
            }
          </Read>
        </Panel>
        <Panel title={t('record.immunizations')}>
          <Read of={immunizations} what={t('record.immunizations')} rows={2}>
            {(page) => <Items page={page} none="record.immunizations.none" row={(one) => <Vaccination one={one} />} />}
          </Read>
        </Panel>
      </div>
    </div>
  );
}

function Items<T extends FhirResource>({ page, none, row }: { page: Page<T>; none: Key; row: (item: T) => ReactNode }) {
  const { t } = useLocale();
  const items = page.matches;
  if (items.length === 0) return <p className={styles.none}>{t(none)}</p>;
  const rest = (page.total ?? items.length) - items.length;
  return (
    <>
      <ul className={styles.items}>
        {items.map((item) => (
          <li key={item.id}>{row(item)}</li>
        ))}
      </ul>
      {rest > 0 && <p className={styles.none}>{t('record.more', { n: rest })}</p>}
    </>
  );
}

function Problems({ page }: { page: Page<Condition> }) {
  const { t } = useLocale();
  if (page.matches.length === 0) return <p className={styles.none}>{t('record.problems.none')}</p>;
  const rest = (page.total ?? page.matches.length) - page.matches.length;
  return (
    <>
      <ul className={styles.items}>
        {problemsOf(page.matches).map((problem) => (
          <li key={problem.id}>
            <span className={styles.main}>
              {problem.name} <span className="code">{problem.code}</span>
            </span>
            <span className="quiet">
              {[
                problem.severity,
                problem.since && t('record.problems.since', { date: problem.since }),
                problem.records > 1 && t('record.problems.records', { n: problem.records }),
              ]
                .filter(Boolean)
                .join(' · ')}
            </span>
          </li>
        ))}
      </ul>
      {rest > 0 && <p className={styles.none}>{t('record.more', { n: rest })}</p>}
    </>
  );
}

function Medicine({ request }: { request: MedicationRequest }) {
  const { t, lang } = useLocale();
  return (
    <>
      <span className={styles.main}>
        {drugName(request)}
        {request.status === 'on-hold' && <span className={styles.abnormal}> {t('status.on-hold')}</span>}
      </span>
      <span className="quiet">
        {dosageText(request, t, lang)} <span className={styles.date}>{day(request.authoredOn)}</span>
      </span>
    </>
  );
}

function Plan({ plan }: { plan: CarePlan }) {
  const { t } = useLocale();
  const titles = (plan.category ?? []).map(conceptText).filter(Boolean);
  const activities = (plan.activity ?? [])
    .map((activity) => conceptText(activity.detail?.code) || (activity.detail?.description ?? ''))
    .filter(Boolean);
  return (
    <>
      <span className={styles.main}>{plan.title ?? titles[0] ?? t('record.careplans')}</span>
      <span className="quiet">{[day(plan.period?.start), day(plan.period?.end)].filter(Boolean).join(' – ')}</span>
      {activities.length > 0 && (
        <ul className={styles.activities}>
          {[...new Set(activities)].map((activity) => (
            <li key={activity}>{activity}</li>
          ))}
        </ul>
      )}
    </>
  );
}

function Vaccination({ one }: { one: Immunization }) {
  const { t } = useLocale();
  return (
    <>
      <span className={styles.main}>{conceptText(one.vaccineCode)}</span>
      <span className="quiet">
        {day(one.occurrenceDateTime)} {ago(one.occurrenceDateTime, new Date(), t)}
      </span>
    </>
  );
}
