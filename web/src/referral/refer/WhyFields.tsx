import { Checkbox, Input, Select } from 'antd';
import { type KeyboardEvent, useState } from 'react';
import { useLocale } from '../../locale/locale';
import { REASONS } from '../codes/reasons';
import { matches } from '../codes/search';
import type { Diagnosis } from '../request';
import { Field } from './Field';
import type { PartProps } from './part';
import styles from './refer.module.css';

/** Tab goes on to the next field. The open list would take it for a choice, and undo the one just made. */
function leaveAlone(event: KeyboardEvent): void {
  if (event.key === 'Tab') event.stopPropagation();
}

/** Why: the reasons of the region's list, and what the referrer takes it for. `diagnoses` are the record's active ones. */
export function WhyFields({ form, set, fault, diagnoses }: PartProps & { diagnoses: readonly Diagnosis[] }) {
  const { t, lang } = useLocale();
  const [typed, setTyped] = useState('');
  const reasons = form.direction ? REASONS[form.direction] : [];
  const nameOf = (one: Diagnosis) => one.code + one.text;
  const chosen = new Set(form.impressions.map(nameOf));
  const offered = [
    ...diagnoses,
    ...form.impressions.filter((one) => !diagnoses.some((other) => nameOf(other) === nameOf(one))),
  ];
  return (
    <>
      <Field name="reasons" label={t('refer.reasons')} required fault={fault('reasons')}>
        {(ids) => (
          <Select
            {...ids}
            mode="multiple"
            className={styles.wide ?? ''}
            showSearch={{ filterOption: false, onSearch: setTyped, searchValue: typed }}
            disabled={form.direction === ''}
            placeholder={t(form.direction === '' ? 'refer.reasons.first' : 'refer.reasons.find')}
            notFoundContent={t('refer.reasons.nomatch')}
            onInputKeyDown={leaveAlone}
            options={reasons.filter((one) => matches(one, typed)).map((one) => ({ value: one.code, label: one[lang] }))}
            labelRender={({ value }) => reasons.find((one) => one.code === value)?.[lang] ?? String(value)}
            value={form.reasons}
            status={fault('reasons') ? 'error' : ''}
            onChange={(next: string[]) => {
              setTyped('');
              set('reasons', next);
            }}
          />
        )}
      </Field>
      <Field name="impressions" label={t('refer.impressions')} required group fault={fault('impressions')}>
        {() => (
          <>
            {offered.length > 0 && (
              <div className={styles.diagnoses}>
                {offered.map((one) => (
                  <Checkbox
                    key={nameOf(one)}
                    checked={chosen.has(nameOf(one))}
                    onChange={(event) =>
                      set(
                        'impressions',
                        event.target.checked
                          ? [...form.impressions, one]
                          : form.impressions.filter((other) => nameOf(other) !== nameOf(one)),
                      )
                    }
                  >
                    {one.text} <span className="code">{one.code}</span>
                  </Checkbox>
                ))}
              </div>
            )}
            <Input
              aria-label={t('refer.impressions.other')}
              placeholder={t('refer.impressions.other')}
              maxLength={300}
              value={form.otherImpression}
              onChange={(event) => set('otherImpression', event.target.value)}
            />
          </>
        )}
      </Field>
    </>
  );
}
