import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Popconfirm } from 'antd';
import type { Task } from 'fhir/r4';
import { useState } from 'react';
import { has, usePerson } from '../access/person';
import { dateTime } from '../fhir/dates';
import { type Key, useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { Panel } from '../page/Panel';
import { Read } from '../page/reading';
import { senderOf } from '../referral/request';
import { versionOf } from '../referral/task';
import { codeOf, type Link, linkKey, sendAnew, takeBack, useIsOutside, useLink } from './outside';
import styles from './panel.module.css';

/** On a referral that went outside: the link, its letters, who opened it; send it anew, take it back, tell the code. */
export function LinkPanel({ task }: { task: Task }) {
  const person = usePerson();
  const mine = senderOf(task)?.reference === person.institution?.reference || has(person, 'office');
  const sent = task.status !== 'draft' && mine;
  return useIsOutside(sent ? (task.owner?.reference ?? '') : '') ? <Shown task={task} /> : null;
}

function Shown({ task }: { task: Task }) {
  const { t } = useLocale();
  const link = useLink(task.id ?? '', versionOf(task));
  return (
    <Panel title={t('outside.panel')}>
      <div className={styles.inside}>
        <Read of={link} what={t('outside.panel')} rows={3}>
          {(one) => <Standing link={one} id={task.id ?? ''} version={versionOf(task)} />}
        </Read>
      </div>
    </Panel>
  );
}

function Standing({ link, id, version }: { link: Link; id: string; version: string }) {
  const { t } = useLocale();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [problem, setProblem] = useState<unknown>(null);
  const [told, setTold] = useState<{ code: string; number: string } | null>(null);

  async function doing(what: () => Promise<unknown>, said: string) {
    setProblem(null);
    try {
      await what();
      if (said) {
        setTold(null);
        void message.success(said);
      }
      await queries.invalidateQueries({ queryKey: linkKey(id, version) });
    } catch (error) {
      setProblem(error);
    }
  }

  const state = t(`outside.link.${link.state || 'none'}` as Key, { until: dateTime(link.expires) });
  return (
    <>
      <p>
        <strong>{state}</strong>
        {link.phone !== '-' && <span className="quiet"> {t('outside.phone', { phone: link.phone })}</span>}
      </p>
      {link.state && (
        <ul>
          {link.letters.length === 0 && link.state === 'alive' && <li>{t('outside.letter.never')}</li>}
          {link.letters.map((one) => (
            <li key={`${one.what} ${one.to} ${one.state}`}>
              {t(`outside.letter.${one.what}` as Key)} {t(`outside.letter.${one.state}` as Key, { to: one.to })}
            </li>
          ))}
          <li>
            {link.openedAt
              ? t('outside.opened', { name: link.openedBy, at: dateTime(link.openedAt) })
              : t('outside.unopened')}
          </li>
        </ul>
      )}
      {told && link.mayTell && (
        <p role="status" className={styles.told}>
          <strong>{t('outside.told', told)}</strong>
          <br />
          {t('outside.told.how')}
        </p>
      )}
      {problem !== null && <Failure error={problem} what={t('outside.panel')} title={t('outside.failed')} />}
      <div className={styles.row}>
        {link.mayTell && !told && (
          <Button size="small" onClick={() => void doing(async () => setTold(await codeOf(id)), '')}>
            {t('outside.tell')}
          </Button>
        )}
        {link.maySend && (
          <Popconfirm
            title={t('outside.send')}
            description={t('outside.send.sure')}
            okText={t('outside.send')}
            cancelText={t('do.cancel')}
            onConfirm={() => doing(() => sendAnew(id), t('outside.sent'))}
          >
            <Button size="small">{t('outside.send')}</Button>
          </Popconfirm>
        )}
        {link.mayEnd && (
          <Popconfirm
            title={t('outside.end')}
            description={t('outside.end.sure')}
            okText={t('outside.end')}
            okButtonProps={{ danger: true }}
            cancelText={t('do.cancel')}
            onConfirm={() => doing(() => takeBack(id), t('outside.ended'))}
          >
            <Button size="small" danger>
              {t('outside.end')}
            </Button>
          </Popconfirm>
        )}
      </div>
    </>
  );
}
