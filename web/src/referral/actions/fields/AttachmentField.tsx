import { Button } from 'antd';
import { useState } from 'react';
import { useLocale } from '../../../locale/locale';
import { Waiting } from '../../../page/Waiting';
import { EvidenceChoice } from '../../refer/EvidenceField';
import { Field } from '../../refer/Field';
import { evidenceOptions } from '../../refer/prefill';
import { useRecordParts } from '../../refer/recordParts';

interface AttachmentFieldProps {
  patient: string;
  birthDate: string | undefined;
  value: readonly string[];
  fault: string | undefined;
  onChange: (references: string[]) => void;
}

/** Reports, values and documents of the patient's record to go along. The record is read when somebody wants to attach something. */
export function AttachmentField({ patient, birthDate, value, fault, onChange }: AttachmentFieldProps) {
  const { t } = useLocale();
  const [open, setOpen] = useState(value.length > 0);
  return (
    <Field name="act-attachment" label={t('act.attachment', { n: value.length })} group fault={fault}>
      {() =>
        open ? (
          <FromRecord patient={patient} birthDate={birthDate} value={value} onChange={onChange} />
        ) : (
          <Button size="small" onClick={() => setOpen(true)}>
            {t('act.attachment.choose')}
          </Button>
        )
      }
    </Field>
  );
}

function FromRecord({ patient, birthDate, value, onChange }: Omit<AttachmentFieldProps, 'fault'>) {
  const { t, lang } = useLocale();
  const { parts } = useRecordParts(patient);
  if (!parts) return <Waiting what={t('refer.record.what')} rows={3} />;
  const options = evidenceOptions(parts, { t, lang, birthDate }, new Date());
  return <EvidenceChoice options={options} chosen={value} onChange={onChange} />;
}
