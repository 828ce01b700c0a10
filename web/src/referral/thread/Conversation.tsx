import { usePerson } from '../../access/person';
import { ago, dateTime } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { Panel } from '../../page/Panel';
import { stepKey } from '../known';
import { conversationOf, type Said } from '../task';
import { useNow } from '../useNow';
import type { Thread } from './thread';
import styles from './thread.module.css';

/** 沟通: what both sides said to each other, who and when; one's own side at the right. */
export function Conversation({ thread }: { thread: Thread }) {
  const { t } = useLocale();
  const all = conversationOf(thread.task, thread.approvals);
  return (
    <Panel title={t('thread.talk')}>
      {all.length === 0 ? (
        <p className={styles.none}>{t('thread.talk.none')}</p>
      ) : (
        <ol className={styles.talk}>
          {all.map((said) => (
            <Line key={said.key} said={said} />
          ))}
        </ol>
      )}
    </Panel>
  );
}

function Line({ said }: { said: Said }) {
  const { t } = useLocale();
  const person = usePerson();
  const now = useNow();
  const ours = said.author === person.agent || (said.where !== '' && said.where === person.institution?.name);
  return (
    <li className={ours ? styles.ours : undefined} data-action={said.action}>
      <div className={styles.speaker}>
        <strong>{said.who}</strong> <span>{said.where}</span>
        {said.inside && <span>（{t('thread.talk.inside')}）</span>}
        {said.action && <span className={styles.doing}>{t(stepKey(said.action))}</span>}
      </div>
      <p>{said.text}</p>
      <time dateTime={said.time}>
        {dateTime(said.time)} {ago(said.time, now, t)}
      </time>
    </li>
  );
}
