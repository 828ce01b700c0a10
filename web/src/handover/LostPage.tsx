import type { Patient, Task } from 'fhir/r4';
import { search } from '../client/client';
import { dateTime } from '../fhir/dates';
import { patientLine, phone } from '../fhir/patient';
import { ListPage } from '../list/ListPage';
import type { Column } from '../list/list';
import { useLocale } from '../locale/locale';

/** `/lost-patients`: whom we referred, who did not arrive and was seen nowhere since. */
export default function LostPage() {
  const { t } = useLocale();
  const now = new Date();
  const columns: Column<Task>[] = [
    {
      key: 'patient',
      title: t('followup.patient'),
      phone: 'heading',
      render: (task, included) => {
        const patient = included.get(task.for?.reference ?? '') as Patient | undefined;
        return patient ? patientLine(patient, now, t) : (task.for?.display ?? '');
      },
    },
    {
      key: 'phone',
      title: t('followup.phone'),
      whole: true,
      render: (task, included) => {
        const patient = included.get(task.for?.reference ?? '') as Patient | undefined;
        return patient ? phone(patient) : '';
      },
    },
    { key: 'to', title: t('lost.to'), render: (task) => task.owner?.display ?? '' },
    { key: 'state', title: t('lost.state'), whole: true, render: (task) => task.businessStatus?.text ?? '' },
    { key: 'sent', title: t('lost.sent'), whole: true, render: (task) => dateTime(task.authoredOn) },
  ];
  return (
    <section>
      <h1>{t('lost.title')}</h1>
      <p className="quiet">{t('lost.how')}</p>
      <ListPage<Task>
        what={t('lost.title')}
        source={{ key: ['lost-patients'], first: (signal) => search<Task>('Task/$lost-patients', {}, signal) }}
        columns={columns}
        linkOf={(task) => `/referrals/${task.id ?? ''}`}
        empty={{ title: t('lost.none'), how: t('lost.none.how') }}
      />
    </section>
  );
}
