import { FolderOpenOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import type { Task } from 'fhir/r4';
import { type ReactNode, useRef, useState } from 'react';
import { Link } from 'react-router';
import { usePerson } from '../../access/person';
import { Applications } from '../../launch/Applications';
import { useAppearance } from '../../layout/appearance';
import { type Lang, type Translate, useLocale } from '../../locale/locale';
import { LinkPanel } from '../../outside/LinkPanel';
import { Failure } from '../../page/Failure';
import { Read } from '../../page/reading';
import { PatientBanner } from '../../patient/PatientBanner';
import { useAllergies, useFlags } from '../../record/readings';
import { ActionBar } from '../actions/ActionBar';
import { ActionForm } from '../actions/ActionForm';
import { ActRefusal } from '../actions/ActRefusal';
import type { LegalAction } from '../actions/legal';
import { Proposal } from '../actions/Proposal';
import { useActing } from '../actions/useActing';
import { actionName } from '../actions/words';
import { stateCode } from '../state';
import { Conversation } from './Conversation';
import { EvidencePanel } from './EvidencePanel';
import { Glance } from './Glance';
import { News, Overtaken } from './News';
import { Outcome } from './Outcome';
import { Papers } from './Papers';
import { Related, useBonds } from './Related';
import { Road } from './Road';
import { Slips } from './Slips';
import { type Following, type Thread, useThread } from './thread';
import styles from './thread.module.css';
import { useLegal } from './useLegal';
import { WayPanel } from './WayPanel';
import { Ways } from './Ways';
import { Why } from './Why';

interface ReferralCaseProps {
  taskId: string;
  /** Something to say above it, once: "已提交，…". */
  above?: ((thread: Thread) => ReactNode) | undefined;
  /** After a step of this person. */
  onDone?: ((task: Task) => void) | undefined;
}

/** The heart: one referral, the same for both sides, each with its own actions. */
export function ReferralCase({ taskId, above, onDone }: ReferralCaseProps) {
  const { t } = useLocale();
  const [open, setOpen] = useState<LegalAction | null>(null);
  const bar = useRef<HTMLDivElement>(null);
  const following = useThread(taskId, () => open !== null || (bar.current?.matches(':hover, :focus-within') ?? false));
  const { reading } = following;
  if (reading.state === 'failed')
    return <Failure error={reading.error} what={t('thread.what')} onRetry={reading.retry} />;
  return (
    <Read of={reading} what={t('thread.what')} rows={12}>
      {(thread) => (
        <Shown
          thread={thread}
          following={following}
          open={open}
          setOpen={setOpen}
          bar={bar}
          above={above}
          onDone={onDone}
        />
      )}
    </Read>
  );
}

interface ShownProps extends Omit<ReferralCaseProps, 'taskId'> {
  thread: Thread;
  following: Following;
  open: LegalAction | null;
  setOpen: (action: LegalAction | null) => void;
  bar: React.RefObject<HTMLDivElement | null>;
}

function Shown({ thread, following, open, setOpen, bar, above, onDone }: ShownProps) {
  const { t, lang } = useLocale();
  const { phone } = useAppearance();
  const { task, patient } = thread;
  const acting = useActing(thread, following, onDone);
  const bonds = useBonds(thread);
  const { reading: actions, catchUp } = useLegal(task, () => bar.current?.matches(':hover') ?? false);
  const legal = actions.state === 'here' ? actions.value.legal : [];
  const alarms = actions.state === 'here' ? actions.value.alarms : [];
  // A draft is gone on with in its form; there it is sent or kept, with everything the server asks of it.
  const shown = legal.filter(({ code }) => !(stateCode(task) === 'draft' && (code === 'submit' || code === 'revise')));
  const news = following.newer && <News newer={following.newer} onShow={following.show} />;

  return (
    <article className={open ? `${styles.case} ${styles.withForm}` : styles.case}>
      {patient && <Banner thread={thread} />}
      {above?.(thread)}
      {!open && news}
      <Glance thread={thread} />
      {!open && <Proposal legal={legal} busy={acting.busy} onDo={(action, form) => void acting.act(action, form)} />}
      <Related bonds={bonds} />
      <div className={styles.columns}>
        <div>
          <Outcome thread={thread} />
          <Why thread={thread} />
          <EvidencePanel thread={thread} />
          <Papers thread={thread} />
        </div>
        <div>
          <LinkPanel task={task} />
          <Conversation thread={thread} />
          <Road thread={thread} alarms={alarms} />
          <WayPanel thread={thread} />
          {phone && (
            <div className={styles.print}>
              <Slips thread={thread} />
            </div>
          )}
        </div>
      </div>
      {actions.state === 'failed' && <Failure error={actions.error} what={t('act.bar')} onRetry={actions.retry} />}
      {/* What waited because the pointer was on a step is shown once it is not. */}
      <div
        ref={bar}
        className={styles.barPlace}
        hidden={open !== null}
        onPointerLeave={() => {
          if (!open && following.newer && !acting.busy) following.show();
          catchUp();
        }}
      >
        <ActionBar
          actions={shown}
          busy={acting.busy}
          onOpen={(action) => {
            acting.clear();
            setOpen(action);
          }}
          onDo={(action) => void acting.act(action)}
          ways={<Ways thread={thread} legal={legal} bonds={bonds} />}
          tools={<Slips thread={thread} />}
          notice={
            acting.stale && !news ? (
              <Overtaken thread={thread} />
            ) : (
              !acting.stale && <ActRefusal problem={acting.problem} what={acting.last} />
            )
          }
        />
      </div>
      {open && (
        <ActionForm
          key={open.code}
          action={legal.find((one) => one.code === open.code) ?? open}
          thread={thread}
          legal={actions.state === 'here' ? legal : [open]}
          busy={acting.busy === open.code}
          problem={acting.problem}
          newer={news ?? (acting.stale && <Overtaken thread={thread} />)}
          onDo={async (action, form) => {
            const done = await acting.act(action, form);
            if (done) setOpen(null);
            return done;
          }}
          onClose={() => {
            acting.clear();
            setOpen(null);
          }}
        />
      )}
      <span className="unseen" role="status">
        {acting.busy && t('act.doing', { what: nameOf(legal, acting.busy, t, lang) })}
      </span>
    </article>
  );
}

function nameOf(legal: readonly LegalAction[], code: string, t: Translate, lang: Lang): string {
  const action = legal.find((one) => one.code === code);
  return action ? actionName(action, t, lang) : '';
}

function Banner({ thread }: { thread: Thread }) {
  const { t } = useLocale();
  const person = usePerson();
  const id = thread.patient?.id ?? '';
  const allergies = useAllergies(id);
  const flags = useFlags(id);
  if (!thread.patient) return null;
  return (
    <PatientBanner patient={thread.patient} allergies={allergies} flags={flags}>
      <Applications patient={id} about={[`Task/${thread.task.id ?? ''}`]} />
      <Link to={`/patients/${id}`} tabIndex={-1}>
        <Button icon={<FolderOpenOutlined aria-hidden />}>
          {t(person.patient === `Patient/${id}` ? 'nav.my-record' : 'referral.record')}
        </Button>
      </Link>
    </PatientBanner>
  );
}
