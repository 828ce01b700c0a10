import { Select } from 'antd';
import type { CodeableConcept } from 'fhir/r4';
import { useMemo } from 'react';
import { conceptText } from '../../../fhir/concept';
import { useLocale } from '../../../locale/locale';
import { useProblems } from '../../../record/readings';
import { Field } from '../../refer/Field';
import { diagnosisOf } from '../../refer/prefill';
import type { Diagnosis } from '../../request';
import styles from '../actions.module.css';

interface DiagnosisFieldProps {
  patient: string;
  /** What the referrer took it for: offered too. */
  impressions: readonly Diagnosis[];
  value: readonly CodeableConcept[];
  required: boolean;
  fault: string | undefined;
  onChange: (diagnoses: CodeableConcept[]) => void;
}

/** 诊断结果: from the record and the referral with their codes, or in one's own words (Enter after each). */
export function DiagnosisField({ patient, impressions, value, required, fault, onChange }: DiagnosisFieldProps) {
  const { t } = useLocale();
  const problems = useProblems(patient);
  const known = useMemo(() => {
    const all = [...impressions, ...(problems.state === 'here' ? problems.value.matches.map(diagnosisOf) : [])];
    return new Map(all.filter((one) => one.text).map((one) => [one.text, one]));
  }, [impressions, problems]);
  return (
    <Field name="act-diagnosis" label={t('act.diagnosis')} required={required} fault={fault}>
      {(ids) => (
        <Select
          {...ids}
          mode="tags"
          className={styles.wide ?? ''}
          tokenSeparators={['；', ';', '\n']}
          placeholder={t('act.diagnosis.empty')}
          options={[...known.values()].map((one) => ({ value: one.text, label: one.text, code: one.code }))}
          optionRender={({ data }) => (
            <>
              {data.label} <span className="code">{data.code}</span>
            </>
          )}
          value={value.map(conceptText)}
          status={fault ? 'error' : ''}
          onChange={(texts: string[]) =>
            onChange(
              texts
                .map((text) => text.trim())
                .filter(Boolean)
                .map((text) => known.get(text)?.concept ?? { text }),
            )
          }
        />
      )}
    </Field>
  );
}
