import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Form, Input, InputNumber, Switch } from 'antd';
import type { ParametersParameter } from 'fhir/r4';
import { useState } from 'react';
import { operate } from '../client/client';
import { whatHappened } from '../client/problem';
import { today } from '../fhir/dates';
import { useLocale } from '../locale/locale';
import type { Entry } from './library';

interface Values {
  since: string;
  active: boolean;
  reason: string;
  limits: Record<string, number | null>;
}

/** Other limits from a day on, or none: what held before stays on file. */
export function AdjustForm({ entry, onSaved }: { entry: Entry; onSaved: () => void }) {
  const { t, lang } = useLocale();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const limited = entry.findings.filter((one) => one.limit?.value !== undefined);
  const now = today(new Date());

  async function save(values: Values): Promise<void> {
    setBusy(true);
    try {
      const changed = limited.filter(
        ({ name, limit }) => typeof values.limits?.[name] === 'number' && values.limits[name] !== limit?.value,
      );
      const parameter: ParametersParameter[] = [
        { name: 'since', valueDate: values.since },
        { name: 'active', valueBoolean: values.active },
        { name: 'reason', valueString: values.reason.trim() },
        ...changed.map(({ name }) => ({ name: 'limit', valueString: `${name}=${values.limits[name]}` })),
      ];
      await operate(`PlanDefinition/${entry.id}/$adjust`, { resourceType: 'Parameters', parameter });
      void message.success(t('criteria.adjust.saved', { date: values.since }));
      await queries.invalidateQueries({ queryKey: ['criteria'] });
      onSaved();
    } catch (error) {
      void message.error(whatHappened(error, t, lang));
    } finally {
      setBusy(false);
    }
  }

  return (
    <>
      <h3>{t('criteria.adjust.title', { title: entry.title })}</h3>
      <Form<Values>
        layout="vertical"
        initialValues={{
          since: now,
          active: entry.active,
          reason: '',
          limits: Object.fromEntries(limited.map(({ name, limit }) => [name, limit?.value])),
        }}
        onFinish={(values) => void save(values)}
      >
        {limited.map(({ name, measure, compare, limit }) => (
          <Form.Item
            key={name}
            name={['limits', name]}
            label={t(limit?.unit ? 'criteria.adjust.limit' : 'criteria.adjust.limit.plain', {
              name: `${measure} ${SIGNS[compare] ?? ''}`,
              unit: limit?.unit ?? '',
            })}
          >
            <InputNumber style={{ width: 160 }} />
          </Form.Item>
        ))}
        <Form.Item name="active" label={t('criteria.adjust.active')} valuePropName="checked">
          <Switch />
        </Form.Item>
        <Form.Item name="since" label={t('criteria.adjust.since')} rules={[{ required: true }]}>
          <Input type="date" min={now} style={{ width: 180 }} />
        </Form.Item>
        <Form.Item
          name="reason"
          label={t('criteria.adjust.reason')}
          rules={[{ required: true, whitespace: true, message: t('criteria.adjust.need') }]}
        >
          <Input maxLength={500} placeholder={t('criteria.adjust.reason.how')} />
        </Form.Item>
        <Button type="primary" htmlType="submit" loading={busy}>
          {t('criteria.adjust.save')}
        </Button>
      </Form>
    </>
  );
}

const SIGNS: Readonly<Record<string, string>> = { '>=': '≥', '>': '>', '<=': '≤', '<': '<' };
