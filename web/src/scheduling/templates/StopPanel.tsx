import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Input } from 'antd';
import type { Parameters } from 'fhir/r4';
import { useState } from 'react';
import { operate } from '../../client/client';
import { today } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { Failure } from '../../page/Failure';
import { Panel } from '../../page/Panel';
import { Field } from './Field';
import { StoppedList } from './StoppedList';
import { parametersOf } from './template';
import styles from './templates.module.css';

const numberOf = ({ parameter }: Parameters, name: string): number =>
  parameter?.find((part) => part.name === name)?.valueInteger ?? 0;

/** Stopping days of one schedule, opening them again, and who is to be moved. */
export function StopPanel({ schedule }: { schedule: string }) {
  const { t } = useLocale();
  const { message, modal } = App.useApp();
  const queries = useQueryClient();
  const [first, setFirst] = useState(today(new Date()));
  const [last, setLast] = useState(today(new Date()));
  const [reason, setReason] = useState('');
  const [fault, setFault] = useState<unknown>(null);
  const [missing, setMissing] = useState(false);

  async function carryOut(what: 'stop' | 'resume') {
    setFault(null);
    try {
      const period = { start: first, end: last };
      const done = await operate<Parameters>(
        `Schedule/${schedule}/$${what}`,
        parametersOf(what === 'stop' ? { ...period, reason: reason.trim() } : period),
      );
      const [slots, told, holds] = [numberOf(done, 'slots'), numberOf(done, 'told'), numberOf(done, 'holds')];
      message.success(t(what === 'stop' ? 'stop.done' : 'stop.resumed', { slots, told, holds }));
      await queries.invalidateQueries({ queryKey: ['stopped'] });
    } catch (error) {
      setFault(error);
    }
  }

  function ask() {
    setMissing(!reason.trim());
    if (!reason.trim()) return;
    modal.confirm({
      title: t('stop.sure', { first, last }),
      content: t('stop.sure.how'),
      okText: t('stop.do'),
      okButtonProps: { danger: true },
      cancelText: t('do.cancel'),
      onOk: () => carryOut('stop'),
    });
  }

  return (
    <Panel title={t('stop.title')}>
      <div className={styles.inside}>
        <p className={styles.quiet}>{t('stop.how')}</p>
        <div className={styles.fields}>
          <Field title={t('stop.first')}>
            {(id) => (
              <Input
                id={id}
                type="date"
                value={first}
                onChange={(event) => {
                  setFirst(event.target.value);
                  if (event.target.value > last) setLast(event.target.value);
                }}
              />
            )}
          </Field>
          <Field title={t('stop.last')}>
            {(id) => (
              <Input id={id} type="date" value={last} min={first} onChange={(event) => setLast(event.target.value)} />
            )}
          </Field>
          <Field title={t('schedule.reason')}>
            {(id) => (
              <Input
                id={id}
                value={reason}
                {...(missing ? { status: 'error' as const } : {})}
                onChange={(event) => setReason(event.target.value)}
              />
            )}
          </Field>
          <Button danger onClick={ask}>
            {t('stop.do')}
          </Button>
          <Button onClick={() => void carryOut('resume')}>{t('stop.resume')}</Button>
        </div>
        {missing && <p role="alert">{t('stop.reason.missing')}</p>}
        {fault !== null && <Failure error={fault} what={t('stop.title')} title={t('stop.title')} />}
        <StoppedList schedule={schedule} />
      </div>
    </Panel>
  );
}
