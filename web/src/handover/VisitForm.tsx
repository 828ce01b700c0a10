import { useQueryClient } from '@tanstack/react-query';
import { Button, Checkbox, DatePicker, Input, Radio, Select } from 'antd';
import dayjs from 'dayjs';
import type { Parameters, Task } from 'fhir/r4';
import { type FormEvent, type ReactNode, useState } from 'react';
import { operate } from '../client/client';
import { Problem } from '../client/problem';
import { today as todayOf } from '../fhir/dates';
import { type Key, useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import styles from './handover.module.css';
import {
  ADHERENCE, type Answered, ASSESSMENTS, answerOf, emptyVisit, fieldOf, MEASURES, OUTCOMES, SYMPTOMS, UNITS, visitParameters, WAYS, withoutContradiction,
} from './visit'; // biome-ignore format: names in a row

const SYMPTOM = (code: string): Key => `followup.symptom.${code}` as Key;

/** 随访记录: values first, words last; what is at fault is said beside its field. */
export function VisitForm({ task, onDone }: { task: Task; onDone: (answered: Answered) => void }) {
  const { t } = useLocale();
  const queries = useQueryClient();
  const [form, setForm] = useState(() => emptyVisit(todayOf(new Date())));
  const [saving, setSaving] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const set = (next: Partial<typeof form>) => setForm((old) => ({ ...old, ...next }));
  const issues = problem instanceof Problem ? problem.issues : [];
  const fault = (name: string): string | undefined =>
    issues.find((one) => (one.expression ?? []).some((place) => fieldOf(place) === name))?.details?.text;
  const placed = issues.some((one) => (one.expression ?? []).length > 0);

  async function save(event: FormEvent) {
    event.preventDefault();
    setSaving(true);
    setProblem(null);
    try {
      const answer = await operate<Parameters>(
        `Task/${task.id ?? ''}/$follow-up`,
        visitParameters(form),
        task.meta?.versionId,
      );
      onDone(answerOf(answer));
      void queries.invalidateQueries({ queryKey: ['follow-ups'] });
    } catch (error) {
      setProblem(error);
    } finally {
      setSaving(false);
    }
  }

  const picker = (name: 'on' | 'next') => (
    <DatePicker
      id={`visit-${name}`}
      value={form[name] ? dayjs(form[name]) : null}
      onChange={(value) => set({ [name]: value ? value.format('YYYY-MM-DD') : '' })}
      allowClear={name === 'next'}
    />
  );
  return (
    <form className={styles.form} onSubmit={(event) => void save(event)} aria-label={t('followup.title')}>
      <Field name="on" title={t('followup.field.on')} fault={fault('on')}>
        {picker('on')}
      </Field>
      <Field name="way" title={t('followup.field.way')} fault={fault('way')}>
        <Radio.Group
          className={styles.choices ?? ''}
          id="visit-way"
          value={form.way}
          onChange={(event) => set({ way: event.target.value })}
          options={WAYS.map((code) => ({ value: code, label: t(`followup.way.${code}`) }))}
        />
      </Field>
      <div className={styles.measures}>
        {MEASURES.map((name) => (
          <Field key={name} name={name} title={t(`followup.field.${name}`)} fault={fault(name)}>
            <Input
              id={`visit-${name}`}
              inputMode="decimal"
              value={form.measures[name] ?? ''}
              onChange={(event) => set({ measures: { ...form.measures, [name]: event.target.value } })}
              suffix={UNITS[name]}
              {...(fault(name) ? { status: 'error' as const } : {})}
            />
          </Field>
        ))}
      </div>
      <Field name="symptom" title={t('followup.field.symptom')} fault={fault('symptom')}>
        <Checkbox.Group
          className={styles.choices ?? ''}
          value={form.symptoms}
          onChange={(symptoms) => set({ symptoms: withoutContradiction(form.symptoms, symptoms as string[]) })}
          options={SYMPTOMS.map((code) => ({ value: code, label: t(SYMPTOM(code)) }))}
        />
      </Field>
      <Field name="adherence" title={t('followup.field.adherence')} fault={fault('adherence')}>
        <Radio.Group
          className={styles.choices ?? ''}
          value={form.adherence}
          onChange={(event) => set({ adherence: event.target.value })}
          options={ADHERENCE.map((code) => ({ value: code, label: t(`followup.adherence.${code}`) }))}
        />
      </Field>
      <Field name="medication" title={t('followup.field.medication')} fault={fault('medication')}>
        <Input.TextArea
          id="visit-medication"
          autoSize={{ minRows: 2 }}
          value={form.medication}
          onChange={(event) => set({ medication: event.target.value })}
        />
      </Field>
      <Field name="adverse" title={t('followup.field.adverse')} fault={fault('adverse')}>
        <Input id="visit-adverse" value={form.adverse} onChange={(event) => set({ adverse: event.target.value })} />
      </Field>
      <Field name="assessment" title={t('followup.field.assessment')} fault={fault('assessment')}>
        <Radio.Group
          className={styles.choices ?? ''}
          value={form.assessment}
          onChange={(event) => set({ assessment: event.target.value })}
          options={ASSESSMENTS.map((code) => ({ value: code, label: t(`followup.assessment.${code}`) }))}
        />
      </Field>
      <Field name="note" title={t('followup.field.note')} fault={fault('note')}>
        <Input.TextArea
          id="visit-note"
          autoSize={{ minRows: 2 }}
          value={form.note}
          onChange={(event) => set({ note: event.target.value })}
        />
      </Field>
      <Field name="outcome" title={t('followup.field.outcome')} fault={fault('outcome')}>
        <Select
          id="visit-outcome"
          value={form.outcome}
          onChange={(outcome) => set({ outcome })}
          options={OUTCOMES.map((code) => ({ value: code, label: t(`followup.outcome.${code}`) }))}
          style={{ minWidth: 180 }}
        />
      </Field>
      <Field name="next" title={t('followup.field.next')} fault={fault('next')}>
        {picker('next')}
      </Field>
      {Boolean(problem) && !placed && (
        <Failure error={problem} what={t('followup.record')} title={t('followup.failed')} />
      )}
      <div className={styles.foot}>
        <Button type="primary" htmlType="submit" loading={saving}>
          {t('followup.save')}
        </Button>
      </div>
    </form>
  );
}

interface FieldProps {
  name: string;
  title: string;
  fault: string | undefined;
  children: ReactNode;
}

function Field({ name, title, fault, children }: FieldProps) {
  return (
    <div className={styles.field}>
      <label htmlFor={`visit-${name}`}>{title}</label>
      <div>
        {children}
        {fault && (
          <p className={styles.fault} role="alert">
            {fault}
          </p>
        )}
      </div>
    </div>
  );
}
