import { Alert, App, Button, Input, InputNumber, Popconfirm, Select } from 'antd';
import type { Parameters } from 'fhir/r4';
import { useState } from 'react';
import { operate } from '../../client/client';
import { whatHappened } from '../../client/problem';
import { useLocale } from '../../locale/locale';
import { Panel } from '../../page/Panel';
import { Field } from '../templates/Field';
import styles from '../templates/templates.module.css';
import { OutlookTable } from './OutlookTable';
import {
  ANCHORS,
  asked,
  type Draft,
  institutionsOf,
  type Keeping,
  type Level,
  nextRule,
  type Outlook,
  outlooksOf,
  POOLS,
  RULED,
  type Rule,
  type Rules,
  wrong,
} from './rules';

interface RulesFormProps {
  level: Level;
  begin: Rules;
  since: string;
  onSaved: () => void;
  onLeave: () => void;
}

/** Other rules from a day on: what they would do is shown before they are saved. */
export function RulesForm({ level, begin, since, onSaved, onLeave }: RulesFormProps) {
  const { t, lang } = useLocale();
  const { message } = App.useApp();
  const [draft, setDraft] = useState<Draft>({
    since,
    source: '',
    releaseDays: begin.releaseDays,
    releaseAt: begin.releaseAt,
    rules: begin.rules,
  });
  const [busy, setBusy] = useState('');
  const [shown, setShown] = useState<{ since: string; rows: Outlook[]; less: Keeping[] } | null>(null);
  const faulty = wrong(draft.rules);
  const incomplete = !draft.since || draft.source.trim().length < 2;
  const set = (values: Partial<Draft>) => {
    setDraft({ ...draft, ...values });
    setShown(null);
  };
  const put = (nth: number, values: Partial<Rule>) =>
    set({ rules: draft.rules.map((rule, place) => (place === nth ? { ...rule, ...values } : rule)) });

  async function preview() {
    setBusy('preview');
    try {
      const told = await operate<Parameters>('Schedule/$preview-pool-rules', asked(draft, false, level));
      setShown({ since: draft.since, rows: outlooksOf(told), less: institutionsOf(told) });
    } catch (fault) {
      void message.error(`${t('pool.preview.failed')}：${whatHappened(fault, t, lang)}`, 6);
    } finally {
      setBusy('');
    }
  }
  async function save() {
    setBusy('save');
    try {
      await operate<Parameters>('Schedule/$set-pool-rules', asked(draft, true, level));
      void message.success(t('pool.saved'));
      onSaved();
    } catch (fault) {
      void message.error(`${t('pool.failed')}：${whatHappened(fault, t, lang)}`, 6);
    } finally {
      setBusy('');
    }
  }
  const more = nextRule(draft.rules);
  return (
    <>
      <Panel title={t('pool.edit.title')}>
        <div className={styles.inside}>
          <div className={styles.fields}>
            <Field title={t('pool.since')}>
              {(id) => (
                <Input
                  id={id}
                  type="date"
                  value={draft.since}
                  onChange={(event) => set({ since: event.target.value })}
                />
              )}
            </Field>
            <Field title={`${t('pool.release')} · ${t('pool.release.days')}`}>
              {(id) => (
                <InputNumber
                  controls={false}
                  id={id}
                  min={0}
                  max={60}
                  value={draft.releaseDays}
                  onChange={(days) => set({ releaseDays: days ?? 0 })}
                />
              )}
            </Field>
            <Field title={`${t('pool.release')} · ${t('pool.release.at')}`}>
              {(id) => (
                <Input
                  id={id}
                  type="time"
                  value={draft.releaseAt}
                  onChange={(event) => set({ releaseAt: event.target.value })}
                />
              )}
            </Field>
            <Field title={t('pool.source')}>
              {(id) => (
                <Input
                  id={id}
                  style={{ width: 300 }}
                  maxLength={300}
                  placeholder={t('pool.source.hint')}
                  value={draft.source}
                  onChange={(event) => setDraft({ ...draft, source: event.target.value })}
                />
              )}
            </Field>
          </div>
          <table className={styles.outlook} aria-label={t('pool.edit.title')}>
            <thead>
              <tr>
                {(['kind', 'pool', 'share', 'opens', 'until'] as const).map((name) => (
                  <th key={name} scope="col">
                    {t(`pool.${name}`)}
                  </th>
                ))}
                <th aria-label={t('pool.remove')} />
              </tr>
            </thead>
            <tbody>
              {draft.rules.map((rule, nth) => (
                <RuleRow
                  // biome-ignore lint/suspicious/noArrayIndexKey: two rules may say the same while one of them is being written
                  key={nth}
                  nth={nth}
                  rule={rule}
                  onPut={(values) => put(nth, values)}
                  onRemove={() => set({ rules: draft.rules.filter((_, place) => place !== nth) })}
                />
              ))}
            </tbody>
          </table>
          {faulty && <p role="alert">{t('pool.wrong')}</p>}
          <div className={styles.fields}>
            {more && <Button onClick={() => set({ rules: [...draft.rules, more] })}>{t('pool.add')}</Button>}
            <Button
              type="primary"
              ghost
              loading={busy === 'preview'}
              disabled={faulty || !draft.since}
              onClick={() => void preview()}
            >
              {t('pool.preview')}
            </Button>
            <Popconfirm
              title={t('pool.save.sure', { since: draft.since })}
              description={t('pool.save.sure.how')}
              okText={t('pool.save')}
              cancelText={t('do.close')}
              disabled={faulty || incomplete}
              onConfirm={() => void save()}
            >
              <Button type="primary" loading={busy === 'save'} disabled={faulty || incomplete}>
                {t('pool.save')}
              </Button>
            </Popconfirm>
            <Button onClick={onLeave}>{t('do.cancel')}</Button>
            {incomplete && <span className={styles.quiet}>{t('pool.incomplete')}</span>}
          </div>
        </div>
      </Panel>
      {shown && shown.less.length > 0 && (
        <Alert
          type="warning"
          showIcon
          title={t('pool.less.region', { n: shown.less.length })}
          description={shown.less.map(({ name }) => name).join('、')}
        />
      )}
      {shown && <OutlookTable rows={shown.rows} since={shown.since} />}
    </>
  );
}

interface RuleRowProps {
  nth: number;
  rule: Rule;
  onPut: (values: Partial<Rule>) => void;
  onRemove: () => void;
}

function RuleRow({ nth, rule, onPut, onRemove }: RuleRowProps) {
  const { t } = useLocale();
  const named = (name: 'kind' | 'pool' | 'share' | 'opens' | 'until' | 'hours') => `${t(`pool.${name}`)} ${nth + 1}`;
  return (
    <tr>
      <td>
        <Select
          aria-label={named('kind')}
          style={{ width: 110 }}
          value={rule.kind}
          onChange={(kind) => onPut({ kind })}
          options={RULED.map((value) => ({ value, label: t(`schedule.kind.${value}`) }))}
        />
      </td>
      <td>
        <Select
          aria-label={named('pool')}
          style={{ width: 90 }}
          value={rule.pool}
          onChange={(pool) => onPut({ pool })}
          options={POOLS.map((value) => ({ value, label: t(`booking.pool.${value}`) }))}
        />
      </td>
      <td>
        <InputNumber
          controls={false}
          aria-label={named('share')}
          min={1}
          max={100}
          suffix="%"
          style={{ width: 90 }}
          value={rule.share}
          onChange={(share) => onPut({ share: share ?? 1 })}
        />
      </td>
      <td>
        <InputNumber
          controls={false}
          aria-label={named('opens')}
          min={0}
          max={60}
          suffix={t('pool.days')}
          style={{ width: 96 }}
          value={rule.opensDays}
          onChange={(days) => onPut({ opensDays: days ?? 0 })}
        />
      </td>
      <td>
        <Select
          aria-label={named('until')}
          style={{ width: 96, marginInlineEnd: 6 }}
          value={rule.anchor}
          onChange={(anchor) => onPut({ anchor })}
          options={ANCHORS.map((value) => ({ value, label: t(`pool.anchor.${value}`) }))}
        />
        <InputNumber
          controls={false}
          aria-label={named('hours')}
          min={0}
          max={720}
          suffix={t('pool.hours')}
          style={{ width: 110 }}
          value={rule.hours}
          onChange={(hours) => onPut({ hours: hours ?? 0 })}
        />
      </td>
      <td>
        <Button size="small" aria-label={`${t('pool.remove')} ${nth + 1}`} onClick={onRemove}>
          {t('pool.remove')}
        </Button>
      </td>
    </tr>
  );
}
