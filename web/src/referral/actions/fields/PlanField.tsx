import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Checkbox, Input, Select } from 'antd';
import { useState } from 'react';
import { today as todayOf } from '../../../fhir/dates';
import { useLocale } from '../../../locale/locale';
import { Field } from '../../refer/Field';
import styles from '../actions.module.css';
import { isLate, type PlanForm, type PlanVisit, planFaults, usualVisits } from '../plan';
import { dayOptions } from './days';

const DAYS_AHEAD = 370;

interface PlanFieldProps {
  value: PlanForm;
  required: boolean;
  fault: string | undefined;
  /** What a plan is called when one begins to write it. */
  title: string;
  onChange: (plan: PlanForm) => void;
}

/** 随访计划: goals, visits with their days, measures. The first visit is proposed within two weeks. */
export function PlanField({ value, required, fault, title, onChange }: PlanFieldProps) {
  const { t } = useLocale();
  const [now] = useState(() => new Date());
  const today = todayOf(now);
  const begin = (wanted: boolean) =>
    onChange(
      wanted && value.visits.length === 0
        ? {
            ...value,
            wanted,
            title: value.title || title,
            visits: usualVisits(today, { first: t('act.plan.visit.first'), later: t('act.plan.visit.later') }),
          }
        : { ...value, wanted },
    );
  const faults = planFaults(value);
  if (!value.wanted) {
    return (
      <Field name="act-plan" label={t('act.plan')} required={required} group fault={fault}>
        {() => (
          <Checkbox checked={false} onChange={() => begin(true)}>
            {t(required ? 'act.plan.begin' : 'act.plan.along')}
          </Checkbox>
        )}
      </Field>
    );
  }
  return (
    <Field name="act-plan" label={t('act.plan')} required={required} group fault={fault}>
      {() => (
        <div className={styles.plan}>
          {!required && (
            <Checkbox checked onChange={() => begin(false)}>
              {t('act.plan.along')}
            </Checkbox>
          )}
          <Field name="act-plan-title" label={t('act.plan.title')}>
            {(ids) => (
              <Input
                {...ids}
                value={value.title}
                maxLength={100}
                status={fault && faults.includes('title') ? 'error' : ''}
                onChange={(event) => onChange({ ...value, title: event.target.value })}
              />
            )}
          </Field>
          <Field name="act-plan-goals" label={t('act.plan.goals')}>
            {(ids) => (
              <Input.TextArea
                {...ids}
                autoSize={{ minRows: 2, maxRows: 8 }}
                placeholder={t('act.plan.goals.empty')}
                value={value.goals}
                onChange={(event) => onChange({ ...value, goals: event.target.value })}
              />
            )}
          </Field>
          <Visits
            visits={value.visits}
            today={today}
            faulty={fault !== undefined}
            onChange={(visits) => onChange({ ...value, visits })}
          />
          {isLate(value, today) && <p className={styles.late}>{t('act.plan.late')}</p>}
          <Field name="act-plan-measures" label={t('act.plan.measures')}>
            {(ids) => (
              <Input.TextArea
                {...ids}
                autoSize={{ minRows: 2, maxRows: 8 }}
                placeholder={t('act.plan.measures.empty')}
                value={value.measures}
                onChange={(event) => onChange({ ...value, measures: event.target.value })}
              />
            )}
          </Field>
        </div>
      )}
    </Field>
  );
}

interface VisitsProps {
  visits: readonly PlanVisit[];
  today: string;
  faulty: boolean;
  onChange: (visits: PlanVisit[]) => void;
}

function Visits({ visits, today, faulty, onChange }: VisitsProps) {
  const { t } = useLocale();
  const days = dayOptions(today, DAYS_AHEAD, t);
  const set = (place: number, next: Partial<PlanVisit>) =>
    onChange(visits.map((visit, at) => (at === place ? { ...visit, ...next } : visit)));
  return (
    <div>
      <span>{t('act.plan.visits')}</span>
      {visits.map((visit, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a visit has nothing of its own but its place in the list.
        <div key={place} className={styles.visit}>
          <Select
            aria-label={t('act.plan.day', { n: place + 1 })}
            className={styles.day ?? ''}
            showSearch={{ optionFilterProp: 'label' }}
            placeholder={t('act.start.day')}
            options={days}
            value={visit.day || null}
            status={faulty && visit.day === '' ? 'error' : ''}
            onChange={(day) => set(place, { day: day ?? '' })}
          />
          <Input
            aria-label={t('act.plan.what', { n: place + 1 })}
            value={visit.text}
            maxLength={200}
            onChange={(event) => set(place, { text: event.target.value })}
          />
          <Button
            type="text"
            icon={<DeleteOutlined />}
            aria-label={t('act.plan.remove', { n: place + 1 })}
            onClick={() => onChange(visits.filter((_, at) => at !== place))}
          />
        </div>
      ))}
      <Button
        size="small"
        icon={<PlusOutlined aria-hidden />}
        onClick={() => onChange([...visits, { day: '', text: t('act.plan.visit.later') }])}
      >
        {t('act.plan.add')}
      </Button>
    </div>
  );
}
