import { Button, Checkbox } from 'antd';
import { useState } from 'react';
import { day } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { Value } from '../../record/Value';
import { Field } from './Field';
import type { PartProps } from './part';
import { EVIDENCE_GROUPS, type EvidenceOption } from './prefill';
import styles from './refer.module.css';

/** Of a group that is long so many are shown at first; those chosen always are. */
const SHOWN = 6;

/** What travels along: last signs, abnormal values and reports are marked already; more of the record is a click away. */
export function EvidenceField({ form, set, fault, options }: PartProps & { options: readonly EvidenceOption[] }) {
  const { t } = useLocale();
  return (
    <Field name="evidence" label={t('refer.evidence', { n: form.evidence.length })} group fault={fault('evidence')}>
      {() => <EvidenceChoice options={options} chosen={form.evidence} onChange={(next) => set('evidence', next)} />}
    </Field>
  );
}

interface EvidenceChoiceProps {
  options: readonly EvidenceOption[];
  chosen: readonly string[];
  onChange: (chosen: string[]) => void;
}

export function EvidenceChoice({ options, chosen, onChange }: EvidenceChoiceProps) {
  const { t } = useLocale();
  const toggle = (reference: string, on: boolean) =>
    onChange(on ? [...chosen, reference] : chosen.filter((one) => one !== reference));
  const known = new Set(options.map((option) => option.reference));
  const others = chosen.filter((reference) => !known.has(reference)).length;
  return (
    <>
      {options.length === 0 && <p className={styles.hint}>{t('refer.evidence.none')}</p>}
      {EVIDENCE_GROUPS.map((group) => (
        <Group
          key={group}
          title={t(`refer.evidence.${group}`)}
          options={options.filter((option) => option.group === group)}
          chosen={chosen}
          toggle={toggle}
        />
      ))}
      {others > 0 && <p className={styles.hint}>{t('refer.evidence.others', { n: others })}</p>}
    </>
  );
}

interface GroupProps {
  title: string;
  options: readonly EvidenceOption[];
  chosen: readonly string[];
  toggle: (reference: string, on: boolean) => void;
}

function Group({ title, options, chosen, toggle }: GroupProps) {
  const { t } = useLocale();
  const [all, setAll] = useState(false);
  // Decided once: a row that is unchecked must not vanish under the cursor.
  const [first] = useState(() =>
    options.map((option) => option.reference).filter((one, place) => place < SHOWN || chosen.includes(one)),
  );
  if (options.length === 0) return null;
  const shown = all ? options : options.filter((option) => first.includes(option.reference));
  return (
    <div className={styles.evidenceGroup}>
      <h3>{title}</h3>
      <ul>
        {shown.map((option) => (
          <li key={option.reference}>
            <Checkbox
              checked={chosen.includes(option.reference)}
              onChange={(event) => toggle(option.reference, event.target.checked)}
            >
              <EvidenceWords option={option} />
            </Checkbox>
          </li>
        ))}
      </ul>
      {shown.length < options.length && (
        <Button type="link" size="small" onClick={() => setAll(true)}>
          {t('refer.evidence.more', { n: options.length - shown.length })}
        </Button>
      )}
    </div>
  );
}

function EvidenceWords({ option }: { option: EvidenceOption }) {
  const [only] = option.results;
  return (
    <span className={styles.evidenceWords}>
      <span>{option.name}</span>
      {option.results.length === 1 && only ? (
        <Value result={only} brief />
      ) : (
        option.results.map((result) => (
          <span key={result.key}>
            <span className="quiet">{result.name}</span> <Value result={result} brief />
          </span>
        ))
      )}
      {option.words && <span className={styles.clip}>{option.words}</span>}
      <time>{day(option.when)}</time>
    </span>
  );
}
