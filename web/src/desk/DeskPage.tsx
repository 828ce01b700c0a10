import { CameraOutlined, UserAddOutlined } from '@ant-design/icons';
import { Button, Input, type InputRef } from 'antd';
import { lazy, Suspense, useCallback, useEffect, useRef, useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { Problem, whatHappened } from '../client/problem';
import { today } from '../fhir/dates';
import { useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { Nothing } from '../page/Nothing';
import { Waiting } from '../page/Waiting';
import { Candidates } from './Candidates';
import styles from './desk.module.css';
import { type Entry, entryOf } from './entry';
import { type Found, find, scanCard } from './find';
import { readResidentId } from './residentId';
import { useWedge } from './useWedge';

const Camera = lazy(() => import('./Camera'));

type Result =
  | { state: 'waiting' }
  | { state: 'looking'; scan: boolean }
  | { state: 'wrong'; words: string }
  | { state: 'failed'; scan: boolean; error: unknown }
  | { state: 'found'; entry: Entry; found: Found };

/** `/desk`: one field that takes a scanner, a number, or a name with a birth date. */
export default function DeskPage() {
  const { t } = useLocale();
  const navigate = useNavigate();
  const field = useRef<InputRef>(null);
  const [text, setText] = useState('');
  const [camera, setCamera] = useState(false);
  const [result, setResult] = useState<Result>({ state: 'waiting' });
  const latest = useRef(0);

  const take = useCallback(
    async (typed: string): Promise<void> => {
      const entry = entryOf(typed);
      const turn = ++latest.current;
      const show = (next: Result) => {
        if (turn === latest.current) setResult(next);
      };
      if (entry.kind === 'short') return show({ state: 'wrong', words: t('desk.short') });
      if (entry.kind === 'resident-id') {
        const said = readResidentId(entry.number, today(new Date()));
        if (typeof said === 'string')
          return show({ state: 'wrong', words: t('desk.id.fault', { fault: t(`desk.id.fault.${said}`) }) });
      }
      const scan = entry.kind === 'card';
      if (scan) setText(''); // five hundred digits are nothing to read
      show({ state: 'looking', scan });
      try {
        if (scan) {
          const { id, until } = await scanCard(entry.code);
          if (turn === latest.current) void navigate(`/desk/${id}`, { state: { until } });
          return;
        }
        const found = await find(entry);
        const [only] = found.candidates;
        if (turn === latest.current && found.candidates.length === 1 && only?.ours && only.grade === '') {
          void navigate(`/desk/${only.patient.id ?? ''}`);
          return;
        }
        show({ state: 'found', entry, found });
      } catch (error) {
        show({ state: 'failed', scan, error });
      } finally {
        setCamera(false);
      }
      field.current?.focus();
    },
    [navigate, t],
  );

  useWedge((scanned) => void take(scanned));

  // The next card was scanned while the page of another patient was open.
  const brought = (useLocation().state as { scanned?: string } | null)?.scanned;
  useEffect(() => {
    if (!brought) return;
    void navigate('/desk', { replace: true, state: null });
    void take(brought);
  }, [brought, navigate, take]);

  const entry = result.state === 'found' ? result.entry : null;
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1>{t('desk.title')}</h1>
        <Button
          icon={<UserAddOutlined aria-hidden />}
          onClick={() => void navigate('/desk/new', { state: { typed: entry } })}
        >
          {t('desk.new')}
        </Button>
      </header>
      <form
        className={styles.field}
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim()) void take(text);
        }}
      >
        <label htmlFor="desk-field">{t('desk.field')}</label>
        <div className={styles.row}>
          <Input
            id="desk-field"
            ref={field}
            size="large"
            autoFocus
            allowClear
            autoComplete="off"
            spellCheck={false}
            data-slash="page"
            aria-describedby="desk-hint"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <Button type="primary" size="large" htmlType="submit" disabled={!text.trim()}>
            {t('desk.go')}
          </Button>
          <Button
            size="large"
            icon={<CameraOutlined aria-hidden />}
            aria-expanded={camera}
            onClick={() => setCamera(!camera)}
          >
            {t(camera ? 'desk.camera.close' : 'desk.camera')}
          </Button>
        </div>
        <p id="desk-hint" className="quiet">
          {t('desk.field.hint')}
        </p>
      </form>
      {camera && (
        <Suspense fallback={<Waiting what={t('desk.camera.what')} rows={3} />}>
          <Camera onScan={(scanned) => void take(scanned)} />
        </Suspense>
      )}
      <div aria-live="polite">
        <Shown result={result} onNew={() => void navigate('/desk/new', { state: { typed: entry } })} />
      </div>
    </div>
  );
}

/** The server says why a code opens nothing, and what to ask for; there is nothing to repair. */
const isAboutTheCard = (error: unknown): boolean =>
  error instanceof Problem && error.codes().some((code) => code.startsWith('card-'));

function Shown({ result, onNew }: { result: Result; onNew: () => void }) {
  const { t, lang } = useLocale();
  const navigate = useNavigate();
  if (result.state === 'waiting') return <Nothing title={t('desk.ready')} how={t('desk.ready.how')} />;
  if (result.state === 'looking') return <Waiting what={t(result.scan ? 'desk.scan' : 'desk.search')} rows={4} />;
  if (result.state === 'wrong')
    return (
      <p role="alert" className={styles.wrong}>
        {result.words}
      </p>
    );
  if (result.state === 'failed' && isAboutTheCard(result.error))
    return (
      <div role="alert" className={styles.refused}>
        <strong>{t('desk.scan.failed')}</strong>
        <p>{whatHappened(result.error, t, lang)}</p>
      </div>
    );
  if (result.state === 'failed')
    return (
      <Failure
        error={result.error}
        what={t(result.scan ? 'desk.scan' : 'desk.search')}
        title={result.scan ? t('desk.scan.failed') : undefined}
      />
    );
  const { candidates, tooCommon } = result.found;
  if (tooCommon && candidates.length === 0) return <Nothing title={t('desk.none')} how={t('desk.common')} />;
  if (candidates.length === 0)
    return (
      <Nothing title={t('desk.none')} how={t('desk.none.how')}>
        <Button type="primary" onClick={onNew}>
          {t('desk.new')}
        </Button>
      </Nothing>
    );
  return <Candidates candidates={candidates} onOpen={(id) => void navigate(`/desk/${id}`)} />;
}
