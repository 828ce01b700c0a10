import { useLocale } from '../../locale/locale';
import { ReceiverField } from '../refer/ReceiverField';
import { directionOf, impressions, senderOf, specialtyOf, urgencyOf } from '../request';
import type { Thread } from '../thread/thread';
import { AttachmentField } from './fields/AttachmentField';
import { DayField } from './fields/DayField';
import { DiagnosisField } from './fields/DiagnosisField';
import { DoctorField } from './fields/DoctorField';
import { PlacesField } from './fields/PlacesField';
import { PlanField } from './fields/PlanField';
import { ReasonField } from './fields/ReasonField';
import { StartField } from './fields/StartField';
import { TextField } from './fields/TextField';
import { WardField } from './fields/WardField';
import type { LegalAction } from './legal';
import type { ActForm, ActField as FieldName } from './parameters';

interface ActFieldProps {
  name: FieldName;
  action: LegalAction;
  thread: Thread;
  form: ActForm;
  required: boolean;
  fault: string | undefined;
  onChange: (next: Partial<ActForm>) => void;
}

/** The control for one parameter of an action. */
export function ActField({ name, action, thread, form, required, fault, onChange }: ActFieldProps) {
  const { t } = useLocale();
  const { task, request, patient } = thread;
  const patientId = task.for?.reference?.replace(/^Patient\//, '') ?? '';
  const shared = { required, fault };
  switch (name) {
    case 'reason':
      return (
        <ReasonField {...shared} action={action.code} value={form.reason} onChange={(reason) => onChange({ reason })} />
      );
    case 'to':
      return (
        <ReceiverField
          name="act-to"
          direction={directionOf(request) ?? 'up'}
          specialty={specialtyOf(request)}
          value={form.to}
          origin=""
          patient={task.for?.reference ?? ''}
          priority={urgencyOf(task)}
          anyTier
          except={senderOf(task)?.reference}
          label={t('act.to')}
          fault={fault}
          onChange={(to) => onChange({ to })}
        />
      );
    case 'practitioner':
      return (
        <DoctorField
          {...shared}
          specialty={specialtyOf(request)}
          value={form.practitioner}
          onChange={(practitioner) => onChange({ practitioner })}
        />
      );
    case 'slot':
      return (
        <PlacesField
          {...shared}
          task={task}
          specialty={specialtyOf(request)}
          value={form.slot}
          onChange={(slot) => onChange({ slot })}
        />
      );
    case 'bed':
      return (
        <WardField
          fault={fault}
          institution={task.owner?.reference ?? ''}
          specialty={specialtyOf(request)}
          value={form.bed}
          onChange={(bed) => onChange({ bed })}
        />
      );
    case 'start':
      return <StartField {...shared} value={form.start} onChange={(start) => onChange({ start })} />;
    case 'nextVisit':
      return (
        <DayField {...shared} name={name} value={form.nextVisit} onChange={(nextVisit) => onChange({ nextVisit })} />
      );
    case 'diagnosis':
      return (
        <DiagnosisField
          {...shared}
          patient={patientId}
          impressions={impressions(request)}
          value={form.diagnosis}
          onChange={(diagnosis) => onChange({ diagnosis })}
        />
      );
    case 'attachment':
      return (
        <AttachmentField
          patient={patientId}
          birthDate={patient?.birthDate}
          value={form.attachment}
          fault={fault}
          onChange={(attachment) => onChange({ attachment })}
        />
      );
    case 'plan':
      return (
        <PlanField
          {...shared}
          title={t('act.plan.title.usual', { disease: impressions(request)[0]?.text ?? '' })}
          value={form.plan}
          onChange={(plan) => onChange({ plan })}
        />
      );
    default:
      return (
        <TextField
          {...shared}
          name={name}
          action={action.code}
          value={form[name]}
          onChange={(text) => onChange({ [name]: text })}
        />
      );
  }
}
