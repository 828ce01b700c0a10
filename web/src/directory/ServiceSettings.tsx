import { useQueryClient } from '@tanstack/react-query';
import { Checkbox, Modal, Switch } from 'antd';
import type { HealthcareService } from 'fhir/r4';
import { useState } from 'react';
import { update } from '../client/client';
import { whatHappened } from '../client/problem';
import { type Key, useLocale } from '../locale/locale';
import styles from './directory.module.css';
import { ATTACHMENTS, DIRECTIONS, type Direction, settingsOf, withSettings } from './settings';

/** 转诊设置 of one service: from where it takes referrals, what they need. */
export function ServiceSettings({ service, onDone }: { service: HealthcareService; onDone: () => void }) {
  const { t, lang } = useLocale();
  const queries = useQueryClient();
  const [settings, setSettings] = useState(() => settingsOf(service));
  const [fault, setFault] = useState('');
  const [busy, setBusy] = useState(false);
  const save = async () => {
    if (settings.accepts.length === 0) return setFault(t('settings.accepts.missing'));
    setBusy(true);
    try {
      await update(withSettings(service, settings));
      await queries.invalidateQueries({ queryKey: ['services'] });
      onDone();
    } catch (error) {
      setFault(whatHappened(error, t, lang));
      setBusy(false);
    }
  };
  return (
    <Modal
      open
      title={t('settings.title', { name: service.name ?? '' })}
      okText={t('settings.save')}
      cancelText={t('do.cancel')}
      confirmLoading={busy}
      onOk={() => void save()}
      onCancel={onDone}
    >
      {fault && (
        <p role="alert" className={styles.fault}>
          {fault}
        </p>
      )}
      <fieldset className={styles.set}>
        <legend>{t('settings.accepts')}</legend>
        <Checkbox.Group
          value={[...settings.accepts]}
          onChange={(accepts) =>
            setSettings({ ...settings, accepts: DIRECTIONS.filter((one) => accepts.includes(one)) as Direction[] })
          }
          options={DIRECTIONS.map((one) => ({ value: one, label: t(`settings.accepts.${one}` as Key) }))}
        />
      </fieldset>
      <p className={styles.switch}>
        <Switch
          id="needs-approval"
          checked={settings.needsApproval}
          onChange={(needsApproval) => setSettings({ ...settings, needsApproval })}
        />
        <label htmlFor="needs-approval">{t('settings.needs-approval')}</label>
      </p>
      <p className={styles.switch}>
        <Switch
          id="direct-booking"
          checked={settings.directBooking}
          onChange={(directBooking) => setSettings({ ...settings, directBooking })}
        />
        <label htmlFor="direct-booking">{t('settings.direct-booking')}</label>
      </p>
      <fieldset className={styles.set}>
        <legend>{t('settings.attachments')}</legend>
        <Checkbox.Group
          value={[...settings.attachments]}
          onChange={(attachments) => setSettings({ ...settings, attachments })}
          options={ATTACHMENTS.map((one) => ({ value: one as string, label: t(`settings.attachment.${one}` as Key) }))}
        />
      </fieldset>
    </Modal>
  );
}
