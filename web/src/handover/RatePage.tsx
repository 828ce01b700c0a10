import { Alert, Button, Input, Rate } from 'antd';
import type { Parameters, Task } from 'fhir/r4';
import { useState } from 'react';
import { Link, useParams } from 'react-router';
import { ask, operate, read } from '../client/client';
import { useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { Read, useReading } from '../page/reading';
import styles from './handover.module.css';

const ASPECTS = ['level', 'attitude', 'cost'] as const;
type Marks = Record<(typeof ASPECTS)[number], number>;
const MOST = 1000;

interface Case {
  task: Task;
  given: Marks | null;
}

async function fetchCase(id: string, signal: AbortSignal): Promise<Case> {
  const [task, said] = await Promise.all([
    read<Task>('Task', id, signal),
    ask<Parameters>(`Task/${id}/$rating`, {}, signal),
  ]);
  const mark = (name: string) => said.parameter?.find((one) => one.name === name)?.valueInteger ?? 0;
  return {
    task,
    given: said.parameter ? { level: mark('level'), attitude: mark('attitude'), cost: mark('cost') } : null,
  };
}

/** `/rate/:taskId`: what a patient says of the house that received them, once. Made for a phone. */
export default function RatePage() {
  const { taskId = '' } = useParams();
  const { t } = useLocale();
  const reading = useReading(['rating', taskId], (signal) => fetchCase(taskId, signal));
  return (
    <section className={styles.rate}>
      <h1>{t('rate.title')}</h1>
      <Read of={reading} what={t('rate.title')}>
        {(found) => <Rating found={found} />}
      </Read>
    </section>
  );
}

function Rating({ found: { task, given } }: { found: Case }) {
  const { t } = useLocale();
  const [marks, setMarks] = useState<Marks>(given ?? { level: 0, attitude: 0, cost: 0 });
  const [text, setText] = useState('');
  const [said, setSaid] = useState(given !== null);
  const [saving, setSaving] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const missing = ASPECTS.some((name) => marks[name] === 0);

  async function save() {
    setSaving(true);
    setProblem(null);
    try {
      const parameter = [
        ...ASPECTS.map((name) => ({ name, valueInteger: marks[name] })),
        ...(text.trim() ? [{ name: 'text', valueString: text.trim() }] : []),
      ];
      await operate(`Task/${task.id ?? ''}/$rate`, { resourceType: 'Parameters', parameter });
      setSaid(true);
    } catch (error) {
      setProblem(error);
    } finally {
      setSaving(false);
    }
  }

  return (
    <>
      <p className={styles.rated}>
        <strong>{task.owner?.display}</strong>
        <span className="quiet">{task.description}</span>
      </p>
      {said && <Alert type="success" showIcon title={t('rate.thanks')} description={t('rate.thanks.how')} />}
      {ASPECTS.map((name) => (
        <fieldset key={name} className={styles.aspect} aria-label={t(`rate.${name}`)}>
          <span>{t(`rate.${name}`)}</span>
          <Rate
            value={marks[name]}
            disabled={said}
            onChange={(value) => setMarks((old) => ({ ...old, [name]: value }))}
            tooltips={[1, 2, 3, 4, 5].map((mark) => t(`rate.mark.${mark as 1}`))}
          />
          <span className="quiet" aria-live="polite">
            {marks[name] > 0 && t(`rate.mark.${marks[name] as 1}`)}
          </span>
        </fieldset>
      ))}
      {!said && (
        <>
          <label htmlFor="rate-text">{t('rate.text')}</label>
          <Input.TextArea
            id="rate-text"
            value={text}
            maxLength={MOST}
            showCount
            autoSize={{ minRows: 3 }}
            placeholder={t('rate.text.how')}
            onChange={(event) => setText(event.target.value)}
          />
          <p className="quiet">{t('rate.private')}</p>
          {Boolean(problem) && <Failure error={problem} what={t('rate.title')} title={t('rate.failed')} />}
          <Button type="primary" size="large" block loading={saving} disabled={missing} onClick={() => void save()}>
            {t(missing ? 'rate.missing' : 'rate.send')}
          </Button>
        </>
      )}
      {said && <Link to="/">{t('nav.home')}</Link>}
    </>
  );
}
