import { Descriptions } from 'antd';
import type { AuditEvent } from 'fhir/r4';
import { Link, useParams } from 'react-router';
import { read } from '../client/client';
import { dateTime } from '../fhir/dates';
import { Name } from '../fhir/Name';
import { type Key, useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import { Read, useReading } from '../page/reading';
import { addressOf, agentOf, didOf, groundText, houseOf, kindsText, patientOf, queryOf } from './trail';

/** `/trail/:id`: one event in full. */
export default function TrailEvent() {
  const { t } = useLocale();
  const { id = '' } = useParams();
  const reading = useReading(['trail', 'event', id], (signal) => read<AuditEvent>('AuditEvent', id, signal));
  return (
    <>
      <h1 className="unseen">{t('trail.event')}</h1>
      <Read of={reading} what={t('trail.what')} rows={6}>
        {(event) => <Full event={event} />}
      </Read>
    </>
  );
}

function Full({ event }: { event: AuditEvent }) {
  const { t } = useLocale();
  const { name, account, roles } = agentOf(event);
  const patient = patientOf(event);
  const items = [
    { key: 'when', label: t('trail.when'), children: dateTime(event.recorded) },
    { key: 'who', label: t('trail.who'), children: [name || t('trail.nobody'), account].filter(Boolean).join(' · ') },
    {
      key: 'post',
      label: t('trail.post'),
      children: roles.map((role) => t(`post.${role}` as Key)).join(t('list.separator')) || '—',
    },
    { key: 'house', label: t('trail.house'), children: <Name of={houseOf(event)} otherwise="—" /> },
    { key: 'did', label: t('trail.did'), children: t(`trail.did.${didOf(event)}` as Key) },
    {
      key: 'patient',
      label: t('trail.patient'),
      children: patient ? (
        <Link to={`/trail?span=180&patient=${encodeURIComponent(`Patient/${patient.id}`)}`}>
          {patient.name || t('patient.unnamed')}
        </Link>
      ) : (
        '—'
      ),
    },
    { key: 'what', label: t('trail.about'), children: kindsText(event, t) || '—' },
    { key: 'ground', label: t('trail.ground'), children: groundText(event, t) || '—' },
    { key: 'address', label: t('trail.address'), children: addressOf(event) || '—' },
    { key: 'query', label: t('trail.query'), span: 2, children: <span className="code">{queryOf(event) || '—'}</span> },
  ];
  return (
    <Panel title={t('trail.event')} aside={<Link to="/trail">{t('trail.back')}</Link>}>
      <Descriptions bordered size="small" column={{ xs: 1, md: 2 }} items={items} />
    </Panel>
  );
}
