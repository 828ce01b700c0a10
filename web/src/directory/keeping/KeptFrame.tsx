import { useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Tag } from 'antd';
import { type ReactNode, useEffect, useRef } from 'react';
import { Link } from 'react-router';
import { type Key, useLocale } from '../../locale/locale';
import { Panel } from '../../page/Panel';
import styles from '../directory.module.css';
import { Changes } from './Changes';
import type { Kind } from './kept';
import type { Keeping } from './useKept';

interface KeptFrameProps {
  kind: Kind;
  title: string;
  /** The day it ended, "" while it is used. */
  ended?: string;
  /** Whose history is told: "Organization/1". */
  whose: readonly string[];
  keeping: Keeping;
  /** Buttons beside the heading. */
  actions?: ReactNode;
  children: ReactNode;
}

/** What the forms have in common: heading, what went wrong, the form, who changed what. */
export function KeptFrame({ kind, title, ended = '', whose, keeping, actions, children }: KeptFrameProps) {
  const { t } = useLocale();
  const queries = useQueryClient();
  const said = useRef<HTMLDivElement>(null);
  const { stale, fault } = keeping;
  // What went wrong stands above the form; whoever pressed the button below it shall see it.
  useEffect(() => {
    if (stale || fault) said.current?.scrollIntoView({ block: 'center' });
  }, [stale, fault]);
  return (
    <section className={styles.page}>
      <p>
        <Link to={`/directory/keep?kind=${kind}`}>{t('kept.back')}</Link>
      </p>
      <div className={styles.head}>
        <h1>{title}</h1>
        {ended && <Tag>{t('kept.ended.since', { day: ended })}</Tag>}
        <span className={styles.aside}>{actions}</span>
      </div>
      <div ref={said}>
        {stale && (
          <Alert
            type="warning"
            showIcon
            role="alert"
            className={styles.alert ?? ''}
            title={t('kept.stale')}
            description={t('kept.stale.do')}
            action={<Button onClick={() => void queries.invalidateQueries()}>{t('kept.reload')}</Button>}
          />
        )}
        {fault && <Alert type="error" showIcon role="alert" className={styles.alert ?? ''} title={fault} />}
      </div>
      <div className={styles.panels}>
        <Panel title={t(`kept.kind.${kind}` as Key)}>
          <div className={styles.form}>{children}</div>
        </Panel>
        {whose.length > 0 && <Changes whose={whose} />}
      </div>
    </section>
  );
}
