import { PaperClipOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { Button, Input, Segmented } from 'antd';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { usePerson } from '../../access/person';
import { useLocale } from '../../locale/locale';
import { Failure } from '../../page/Failure';
import { AttachmentField } from '../actions/fields/AttachmentField';
import { type Kind, say, type TalkLine, upload } from './talk';
import type { Thread } from './thread';
import styles from './thread.module.css';

const LONGEST = 2000;
const ASKED: readonly Kind[] = ['remark', 'question'];

interface TalkFormProps {
  thread: Thread;
  /** The question that is answered. */
  answering: TalkLine | null;
  onEnd: () => void;
}

/** What one says to the other side: a remark, a question, an answer, with files from the record or of one's own. */
export function TalkForm({ thread, answering, onEnd }: TalkFormProps) {
  const { t } = useLocale();
  const person = usePerson();
  const queries = useQueryClient();
  const [text, setText] = useState('');
  const [kind, setKind] = useState<Kind>('remark');
  const [files, setFiles] = useState<string[]>([]);
  const [choosing, setChoosing] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const box = useRef<HTMLTextAreaElement>(null);
  const task = thread.task.id ?? '';

  useEffect(() => {
    if (answering) box.current?.focus();
  }, [answering]);

  async function does(what: () => Promise<void>) {
    setBusy(true);
    setProblem(null);
    try {
      await what();
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  }

  const send = (event: FormEvent) => {
    event.preventDefault();
    const told: Kind = answering ? 'answer' : files.length > 0 && !text.trim() ? 'file' : kind;
    void does(async () => {
      await say(task, { kind: told, text, answers: answering?.spoken?.id ?? '', files });
      setText('');
      setFiles([]);
      setKind('remark');
      setChoosing(false);
      onEnd();
      await queries.invalidateQueries({ queryKey: ['referral', task, 'talk'] });
    });
  };

  return (
    <form className={styles.say} onSubmit={send} aria-label={t('talk.text')}>
      {answering ? (
        <p className={styles.answering}>
          {t('talk.answering', { text: answering.text })}{' '}
          <Button size="small" type="link" onClick={onEnd}>
            {t('talk.answering.end')}
          </Button>
        </p>
      ) : (
        <Segmented
          size="small"
          aria-label={t('talk.kind')}
          value={kind}
          options={ASKED.map((one) => ({ value: one, label: t(`talk.kind.${one}`) }))}
          onChange={setKind}
        />
      )}
      <Input.TextArea
        ref={(found) => {
          box.current = found?.resizableTextArea?.textArea ?? null;
        }}
        aria-label={t('talk.text')}
        placeholder={t('talk.text.how')}
        autoSize={{ minRows: 2, maxRows: 8 }}
        maxLength={LONGEST}
        value={text}
        onChange={({ target }) => setText(target.value)}
      />
      {choosing && (
        <AttachmentField
          patient={thread.patient?.id ?? ''}
          birthDate={thread.patient?.birthDate}
          value={files}
          fault={undefined}
          onChange={setFiles}
        />
      )}
      {files.length > 0 && <p className="quiet">{t('talk.files', { n: files.length })}</p>}
      {problem !== null && <Failure error={problem} what={t('thread.talk')} title={t('talk.failed')} />}
      <div className={styles.sayBar}>
        <Button type="primary" htmlType="submit" loading={busy} disabled={!text.trim() && files.length === 0}>
          {t('talk.say')}
        </Button>
        <Button
          icon={<PaperClipOutlined aria-hidden />}
          aria-expanded={choosing}
          onClick={() => setChoosing(!choosing)}
        >
          {t('talk.attach')}
        </Button>
        {!person.patient && (
          <label className={styles.upload}>
            {t('talk.upload')}
            <input
              type="file"
              aria-label={t('talk.upload')}
              onChange={({ target }) => {
                const file = target.files?.[0];
                target.value = '';
                if (file) void does(async () => setFiles([...files, await upload(thread.task.for ?? {}, file)]));
              }}
            />
          </label>
        )}
      </div>
    </form>
  );
}
