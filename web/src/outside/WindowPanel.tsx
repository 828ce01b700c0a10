import { useQueryClient } from '@tanstack/react-query';
import { Button, Input, Popconfirm } from 'antd';
import type { Parameters } from 'fhir/r4';
import { useState } from 'react';
import { usePerson } from '../access/person';
import { ask } from '../client/client';
import { whatHappened } from '../client/problem';
import { keepsDirectory } from '../directory';
import { useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import { Read, useReading } from '../page/reading';
import { keepWindow, type Window, windowOf } from './outside';
import styles from './panel.module.css';

/** 转诊窗口 of one institution, kept by the consortium office: whether it is on the platform, and where it is reached if not. */
export function WindowPanel({ id }: { id: string }) {
  return keepsDirectory(usePerson()) ? <Shown id={id} /> : null;
}

function Shown({ id }: { id: string }) {
  const { t } = useLocale();
  const key = ['referral-window', id];
  const found = useReading(key, async (signal) =>
    windowOf(await ask<Parameters>(`Organization/${id}/$referral-window`, {}, signal)),
  );
  return (
    <Panel title={t('outside.window')}>
      <div className={styles.inside}>
        <Read of={found} what={t('outside.window')} rows={2}>
          {(window) => <Kept key={JSON.stringify(window)} id={id} window={window} />}
        </Read>
      </div>
    </Panel>
  );
}

function Kept({ id, window }: { id: string; window: Window }) {
  const { t, lang } = useLocale();
  const queries = useQueryClient();
  const [editing, setEditing] = useState(false);
  const [form, setForm] = useState(window);
  const [fault, setFault] = useState('');
  const [busy, setBusy] = useState(false);

  async function save(next: Window) {
    setBusy(true);
    setFault('');
    try {
      await keepWindow(id, next);
      setEditing(false);
      await queries.invalidateQueries({ queryKey: ['referral-window', id] });
      await queries.invalidateQueries({ queryKey: ['organization', id] });
    } catch (error) {
      setFault(whatHappened(error, t, lang));
    }
    setBusy(false);
  }

  return (
    <>
      <p>{t(window.outside ? 'outside.window.here' : 'outside.window.none')}</p>
      {window.outside && !editing && <p>{[window.email, window.sms].filter(Boolean).join(t('list.separator'))}</p>}
      {fault && <p role="alert">{fault}</p>}
      {editing ? (
        <form
          className={styles.form}
          onSubmit={(event) => {
            event.preventDefault();
            void save({ ...form, outside: true });
          }}
        >
          <label htmlFor="window-email">{t('outside.window.email')}</label>
          <Input
            id="window-email"
            value={form.email}
            maxLength={200}
            onChange={(event) => setForm({ ...form, email: event.target.value })}
          />
          <label htmlFor="window-sms">{t('outside.window.sms')}</label>
          <Input
            id="window-sms"
            inputMode="tel"
            value={form.sms}
            maxLength={20}
            onChange={(event) => setForm({ ...form, sms: event.target.value })}
          />
          <span className="quiet">{t('outside.window.how')}</span>
          <div className={styles.row}>
            <Button type="primary" htmlType="submit" loading={busy}>
              {t('outside.window.save')}
            </Button>
            <Button onClick={() => setEditing(false)}>{t('do.cancel')}</Button>
          </div>
        </form>
      ) : (
        <div className={styles.row}>
          <Button size="small" onClick={() => setEditing(true)}>
            {t('outside.window.edit')}
          </Button>
          {window.outside && (
            <Popconfirm
              title={t('outside.window.joined')}
              description={t('outside.window.joined.sure')}
              okText={t('outside.window.joined')}
              cancelText={t('do.cancel')}
              onConfirm={() => save({ ...form, outside: false })}
            >
              <Button size="small" loading={busy}>
                {t('outside.window.joined')}
              </Button>
            </Popconfirm>
          )}
        </div>
      )}
    </>
  );
}
