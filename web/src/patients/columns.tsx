import type { Patient } from 'fhir/r4';
import { Name } from '../fhir/Name';
import { isDeceased, mainIdentifier, masked, patientAge, patientName, phone, sexText } from '../fhir/patient';
import type { Column } from '../list/list';
import type { Translate } from '../locale/locale';

/** The columns of every list of patients. */
export function patientColumns(t: Translate): Column<Patient>[] {
  const now = new Date();
  return [
    {
      key: 'name',
      title: t('patient.name'),
      width: '18%',
      phone: 'heading',
      render: (patient) => (
        <>
          {patientName(patient) || t('patient.unnamed')}
          {isDeceased(patient) && <span className="quiet"> ({t('patient.died')})</span>}
        </>
      ),
    },
    { key: 'sex', title: t('patient.sex'), width: 78, phone: 'aside', render: (patient) => sexText(patient, t) },
    {
      key: 'age',
      title: t('patient.age'),
      width: 110,
      phone: 'aside',
      render: (patient) => patientAge(patient, now, t),
    },
    {
      key: 'id',
      phone: 'aside',
      whole: true,
      title: t('patient.identifier'),
      width: 180,
      render: (patient) => masked(mainIdentifier(patient)?.value),
    },
    { key: 'phone', title: t('patient.phone'), width: 140, phone: 'aside', whole: true, render: phone },
    {
      key: 'institution',
      phone: 'aside',
      title: t('patient.institution'),
      render: (patient) => <Name of={patient.managingOrganization} otherwise="—" />,
    },
    {
      key: 'doctor',
      title: t('patient.doctor'),
      render: (patient) => <Name of={patient.generalPractitioner?.[0]} otherwise={t('patient.doctor.none')} />,
    },
  ];
}
