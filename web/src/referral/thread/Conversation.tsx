import { Badge, Button, Tag } from 'antd';
import { useState } from 'react';
import { usePerson } from '../../access/person';
import { ago, dateTime } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { Failure } from '../../page/Failure';
import { Panel } from '../../page/Panel';
import { stepKey } from '../known';
import { useNow } from '../useNow';
import { Attached } from './EvidencePanel';
import { TalkForm } from './TalkForm';
import { linesOf, type TalkLine, unanswered, useTalk } from './talk';
import type { Thread } from './thread';
import styles from './thread.module.css';

/** 沟通: what both sides said to each other, with a step or by itself, who and when; one's own side at the right. Others see it at once. */
export function Conversation({ thread }: { thread: Thread }) {
  const { t } = useLocale();
  const reading = useTalk(thread.task.id ?? '');
  const [answering, setAnswering] = useState<TalkLine | null>(null);
  const talk = reading.state === 'here' ? reading.value : null;
  const all = linesOf(thread.task, thread.approvals, talk?.spoken ?? []);
  const open = unanswered(all);
  return (
    <Panel
      title={t('thread.talk')}
      aside={
        talk &&
        talk.unread > 0 && (
          <Badge count={t('talk.unread', { n: talk.unread })} aria-label={t('talk.unread', { n: talk.unread })} />
        )
      }
    >
      {all.length === 0 ? (
        <p className={styles.none}>{t('thread.talk.none')}</p>
      ) : (
        <ol className={styles.talk} aria-live="polite">
          {all.map((line) => (
            <Line
              key={line.key}
              line={line}
              thread={thread}
              waiting={line.spoken !== null && open.has(line.spoken.id)}
              onAnswer={talk?.maySay ? () => setAnswering(line) : undefined}
            />
          ))}
        </ol>
      )}
      {reading.state === 'failed' && <Failure error={reading.error} what={t('thread.talk')} onRetry={reading.retry} />}
      {talk?.maySay && <TalkForm thread={thread} answering={answering} onEnd={() => setAnswering(null)} />}
    </Panel>
  );
}

interface LineProps {
  line: TalkLine;
  thread: Thread;
  waiting: boolean;
  onAnswer: (() => void) | undefined;
}

function Line({ line, thread, waiting, onAnswer }: LineProps) {
  const { t } = useLocale();
  const person = usePerson();
  const now = useNow();
  const { spoken, action } = line;
  const ours = line.author === person.agent || (line.where !== '' && line.where === person.institution?.name);
  return (
    <li className={ours ? styles.ours : undefined} data-action={action || spoken?.kind}>
      <div className={styles.speaker}>
        <strong>{line.who}</strong> <span>{line.where}</span>
        {line.inside && <span>（{t('thread.talk.inside')}）</span>}
        {action && <span className={styles.doing}>{t(stepKey(action))}</span>}
        {spoken && spoken.kind !== 'remark' && <span className={styles.doing}>{t(`talk.kind.${spoken.kind}`)}</span>}
      </div>
      {line.text && <p>{line.text}</p>}
      {spoken && spoken.files.length > 0 && (
        <div className={styles.files}>
          <Attached thread={thread} references={spoken.files} />
        </div>
      )}
      <time dateTime={line.time}>
        {dateTime(line.time)} {ago(line.time, now, t)}
      </time>
      {waiting && (
        <div className={styles.waitsForAnswer}>
          <Tag color="gold">{t('talk.waiting')}</Tag>
          {!ours && onAnswer && (
            <Button size="small" type="link" onClick={onAnswer}>
              {t('talk.answer')}
            </Button>
          )}
        </div>
      )}
    </li>
  );
}
