import { FilePdfOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import type { DocumentReference } from 'fhir/r4';
import { useState } from 'react';
import { search } from '../../client/client';
import { dateTime } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { Failure } from '../../page/Failure';
import { Panel } from '../../page/Panel';
import { useReading } from '../../page/reading';
import { CONFINED, stateCode } from '../state';
import { versionOf } from '../task';
import { type Paper, paperOf } from './handover';
import { SheetViewer } from './SheetViewer';
import type { Thread } from './thread';
import styles from './thread.module.css';

/** 转诊文书: the documents that were made with the steps, as they were sent; each opens as PDF. Nothing is shown before there is one. */
export function Papers({ thread }: { thread: Thread }) {
  const { t } = useLocale();
  const { task } = thread;
  const [opened, setOpened] = useState<Paper | null>(null);
  const reading = useReading(
    ['referral', task.id, 'papers', versionOf(task)],
    async (signal) => {
      const page = await search<DocumentReference>(`Task/${task.id ?? ''}/$handover`, {}, signal);
      return page.matches.map(paperOf);
    },
    { enabled: !CONFINED.includes(stateCode(task)), staleTime: 60_000 },
  );
  const nameOf = (paper: Paper) => (paper.kind ? t(`thread.paper.${paper.kind}`) : paper.title);
  if (reading.state === 'failed')
    return (
      <Panel title={t('thread.papers')}>
        <Failure error={reading.error} what={t('thread.papers')} onRetry={reading.retry} />
      </Panel>
    );
  if (reading.state !== 'here' || reading.value.length === 0) return null;
  return (
    <Panel
      title={t('thread.papers')}
      aside={<span className="quiet">{t('thread.evidence.n', { n: reading.value.length })}</span>}
    >
      <ul className={styles.papers}>
        {reading.value.map((paper) => (
          <li key={paper.id}>
            <div>
              {nameOf(paper)}{' '}
              <span className="quiet">
                {paper.of} {dateTime(paper.made)}
              </span>
            </div>
            <Button
              size="small"
              icon={<FilePdfOutlined aria-hidden />}
              aria-label={t('thread.papers.readOne', { name: nameOf(paper) })}
              onClick={() => setOpened(paper)}
            >
              {t('thread.papers.read')}
            </Button>
          </li>
        ))}
      </ul>
      {opened && (
        <SheetViewer
          key={opened.id}
          path={`DocumentReference/${opened.id}/$paper`}
          name={nameOf(opened)}
          onClose={() => setOpened(null)}
        />
      )}
    </Panel>
  );
}
