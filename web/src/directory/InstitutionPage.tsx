import { Button, Table, Tag } from 'antd';
import type { HealthcareService, Parameters } from 'fhir/r4';
import { useState } from 'react';
import { Link, useParams } from 'react-router';
import { usePerson } from '../access/person';
import { ask, search } from '../client/client';
import { today } from '../fhir/dates';
import { type Key, useLocale } from '../locale/locale';
import { WindowPanel } from '../outside/WindowPanel';
import { Nothing } from '../page/Nothing';
import { Panel } from '../page/Panel';
import { Read, useReading } from '../page/reading';
import { called } from '../referral/codes/search';
import { SPECIALTIES } from '../referral/codes/specialties';
import { keepsDirectory } from '.';
import styles from './directory.module.css';
import { EquipmentTable } from './EquipmentTable';
import { useEquipment } from './equipment';
import { BOND, codeOf, holds, inOrder, ROLE, useMemberships } from './memberships';
import { type PlaceInFull, useAreas, usePlace } from './places';
import { RegionMap } from './RegionMap';
import { ServiceSettings } from './ServiceSettings';
import { settingsOf } from './settings';
import { hoursText, waitsOf } from './telling';

const MOST = 200;

/** `/directory/:id`: one institution, what it offers to whom, who works there, what it has, how long people wait. */
export default function InstitutionPage() {
  const { id = '' } = useParams();
  const { t } = useLocale();
  const place = usePlace(id);
  return (
    <section className={styles.page}>
      <p>
        <Link to="/directory">{t('directory.back')}</Link>
      </p>
      <Read of={place} what={t('directory.institution')} rows={10}>
        {(one) => <InFull one={one} />}
      </Read>
    </section>
  );
}

function InFull({ one }: { one: PlaceInFull }) {
  const { t, lang } = useLocale();
  const areas = useAreas();
  return (
    <>
      <h1>{one.name}</h1>
      <p className={styles.facts}>
        <span>{t(`referral.tier.${one.tier}` as Key)}</span>
        {one.grade && <span>{one.grade}</span>}
        <span>{one.address}</span>
        <span>{one.phone}</span>
      </p>
      <div className={styles.panels}>
        <Services id={one.id} />
        <Panel title={t('directory.people')}>
          <div className={styles.inside}>
            {one.people.length === 0 ? (
              <Nothing title={t('directory.people.none')} />
            ) : (
              <ul className={styles.people}>
                {one.people.map((person) => (
                  <li key={`${person.name} ${person.title} ${person.specialties[0]?.code}`}>
                    <strong>{person.name}</strong> <span className="quiet">{person.title}</span>
                    <span>
                      {person.specialties.map(({ code }) => called(SPECIALTIES, code, lang)).join(t('list.separator'))}
                    </span>
                  </li>
                ))}
              </ul>
            )}
          </div>
        </Panel>
        <Equipment id={one.id} />
        <WindowPanel id={one.id} />
        <Memberships id={one.id} />
        <Waits id={one.id} />
        {one.latitude !== undefined && one.longitude !== undefined && (
          <Panel title={t('directory.where')}>
            <div className={styles.inside}>
              <RegionMap
                label={t('directory.where')}
                areas={areas.state === 'here' ? areas.value : []}
                marks={[
                  { id: one.id, name: one.short, tier: one.tier, latitude: one.latitude, longitude: one.longitude },
                ]}
                chosen={one.id}
                onChoose={() => undefined}
              />
            </div>
          </Panel>
        )}
      </div>
    </>
  );
}

function Services({ id }: { id: string }) {
  const { t, lang } = useLocale();
  const keeps = keepsDirectory(usePerson());
  const [editing, setEditing] = useState<HealthcareService | null>(null);
  const services = useReading(
    ['services', id],
    async (signal) =>
      (
        await search<HealthcareService>(
          'HealthcareService',
          { organization: `Organization/${id}`, active: 'true', _count: MOST, _sort: '_id' },
          signal,
        )
      ).matches,
  );
  return (
    <Panel title={t('directory.services')}>
      <Read of={services} what={t('directory.services')} rows={6}>
        {(all) =>
          all.length === 0 ? (
            <Nothing title={t('directory.services.none')} how={t('directory.services.none.how')} />
          ) : (
            <Table<HealthcareService>
              size="small"
              rowKey={(one) => one.id ?? ''}
              aria-label={t('directory.services')}
              dataSource={[...all]}
              pagination={all.length > 20 ? { pageSize: 20, showSizeChanger: false } : false}
              scroll={{ x: 'max-content' }}
              columns={[
                {
                  title: t('directory.department'),
                  key: 'department',
                  render: (_, one) =>
                    called(SPECIALTIES, one.specialty?.[0]?.coding?.[0]?.code, lang) ||
                    one.name ||
                    one.specialty?.[0]?.text,
                },
                {
                  title: t('settings.accepts'),
                  key: 'accepts',
                  render: (_, one) =>
                    settingsOf(one).accepts.map((way) => <Tag key={way}>{t(`settings.accepts.${way}` as Key)}</Tag>),
                },
                {
                  title: t('settings.needs'),
                  key: 'needs',
                  render: (_, one) => {
                    const { needsApproval, directBooking, attachments } = settingsOf(one);
                    return [
                      ...(directBooking ? [t('settings.direct-booking.short')] : []),
                      ...(needsApproval ? [t('settings.needs-approval.short')] : []),
                      ...attachments.map((code) => t(`settings.attachment.${code}` as Key)),
                    ].join(t('list.separator'));
                  },
                },
                {
                  title: t('directory.hours'),
                  key: 'hours',
                  render: (_, one) => <span className={styles.whole}>{hoursText(one.availableTime ?? [], t)}</span>,
                },
                ...(keeps
                  ? [
                      {
                        title: t('consortia.do'),
                        key: 'do',
                        render: (_: unknown, one: HealthcareService) => (
                          <Button size="small" onClick={() => setEditing(one)}>
                            {t('settings.edit')}
                          </Button>
                        ),
                      },
                    ]
                  : []),
              ]}
            />
          )
        }
      </Read>
      {editing && <ServiceSettings service={editing} onDone={() => setEditing(null)} />}
    </Panel>
  );
}

function Equipment({ id }: { id: string }) {
  const { t } = useLocale();
  const found = useEquipment({ organization: `Organization/${id}` });
  return (
    <Panel title={t('equipment.here')}>
      <Read of={found} what={t('equipment.here')} rows={3}>
        {(devices) => <EquipmentTable devices={devices} />}
      </Read>
    </Panel>
  );
}

function Memberships({ id }: { id: string }) {
  const { t } = useLocale();
  const found = useMemberships(id);
  const day = today(new Date());
  return (
    <Panel title={t('consortia.title')}>
      <div className={styles.inside}>
        <Read of={found} what={t('consortia.title')} rows={2}>
          {(all) =>
            all.length === 0 ? (
              <p className="quiet">{t('consortia.no-member')}</p>
            ) : (
              <ul className={styles.people}>
                {inOrder(all, day).map((one) => (
                  <li key={one.id} className={holds(one, day) ? '' : 'quiet'}>
                    <Link to={`/consortia?of=${(one.organization?.reference ?? '').replace('Organization/', '')}`}>
                      {one.organization?.display}
                    </Link>
                    <span>
                      {codeOf(one, ROLE) === 'lead'
                        ? t('consortia.role.lead')
                        : t(`consortia.bond.${codeOf(one, BOND) || 'loose'}` as Key)}
                    </span>
                    <span className="quiet">
                      {t(one.period?.end ? 'consortia.from-to' : 'consortia.since', {
                        start: one.period?.start ?? '',
                        end: one.period?.end ?? '',
                      })}
                    </span>
                  </li>
                ))}
              </ul>
            )
          }
        </Read>
      </div>
    </Panel>
  );
}

function Waits({ id }: { id: string }) {
  const { t, lang } = useLocale();
  const found = useReading(['waits', id], (signal) =>
    ask<Parameters>(`Organization/${id}/$waits`, {}, signal).then(waitsOf),
  );
  return (
    <Panel title={t('waits.title')}>
      <div className={styles.inside}>
        <Read of={found} what={t('waits.title')} rows={2}>
          {(waits) =>
            waits.length === 0 ? (
              <p className="quiet">{t('waits.none')}</p>
            ) : (
              <ul className={styles.people}>
                {waits.map((one) => (
                  <li key={`${one.specialty} ${one.measure}`}>
                    <strong>{called(SPECIALTIES, one.specialty, lang)}</strong>
                    <span>{t(`waits.${one.measure}` as Key)}</span>
                    <span>{t('waits.median', { median: one.median, most: one.most })}</span>
                    <span className="quiet">{t('waits.cases', { n: one.cases, day: one.day })}</span>
                  </li>
                ))}
              </ul>
            )
          }
        </Read>
      </div>
    </Panel>
  );
}
