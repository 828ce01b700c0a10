import { useQueryClient } from '@tanstack/react-query';
import { Alert, App, Button } from 'antd';
import type { Patient, Task } from 'fhir/r4';
import { type KeyboardEvent, useMemo, useRef, useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { usePerson } from '../../access/person';
import { Problem } from '../../client/problem';
import { CriteriaField } from '../../criteria/CriteriaField';
import { dateTime } from '../../fhir/dates';
import { patientName } from '../../fhir/patient';
import { useLocale } from '../../locale/locale';
import { Panel } from '../../page/Panel';
import { useKept } from '../kept';
import { drafts, live, liveFor, type Referral } from '../patientReferrals';
import { senderOf, specialtyName } from '../request';
import { EvidenceField } from './EvidenceField';
import { jumpTo } from './Field';
import { draftFaultsOf, type Field, faultsOf, fieldOf, type ReferForm } from './form';
import { OpenReferralNotice } from './OpenReferralNotice';
import type { PartProps } from './part';
import { diagnosisOf, evidenceOptions, prefilled, type RecordParts } from './prefill';
import { Refusal } from './Refusal';
import styles from './refer.module.css';
import { SendBar } from './SendBar';
import { StoryFields } from './StoryFields';
import { send } from './sending';
import { cardOf, frameOf, referAddress, type Start, startingForm, startName } from './start';
import { TravelFields } from './TravelFields';
import { WhereFields } from './WhereFields';
import { WhyFields } from './WhyFields';

interface ReferWritingProps {
  patient: Patient;
  start: Start;
  referrals: readonly Referral[];
  parts: RecordParts;
  missing: readonly (keyof RecordParts)[];
}

/** The form itself: filled from the record, kept while one types, checked as one types, sent with Ctrl+Enter. */
export function ReferWriting({ patient, start, referrals, parts, missing }: ReferWritingProps) {
  const { t, lang } = useLocale();
  const person = usePerson();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { message } = App.useApp();
  const [now] = useState(() => new Date());
  const reader = useMemo(() => ({ t, lang, birthDate: patient.birthDate }), [t, lang, patient.birthDate]);
  const options = useMemo(() => evidenceOptions(parts, reader, now), [parts, reader, now]);
  const fresh = () => startingForm(start, prefilled(parts, reader, now));
  const id = patient.id ?? '';
  const startId = startName(start);
  const kept = useKept<ReferForm>(`refer.${person.sub}.${id}.${startId}`, fresh);
  const { value: form, setValue } = kept;
  const [restored] = useState(kept.keptAt);
  const [touched, setTouched] = useState<ReadonlySet<Field>>(new Set());
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState<'submit' | 'draft' | null>(null);
  const [refusal, setRefusal] = useState<unknown>(null);
  const sending = useRef(false);

  const own = start.kind === 'draft' ? start.task.id : undefined;
  const others = referrals.filter(({ task }) => task.id !== own);
  const inTheWay = liveFor(others, form.specialty);
  const faults = faultsOf(form);
  const said = refusal instanceof Problem ? refusal.issues : [];

  const change: PartProps['change'] = (next) => {
    setRefusal(null);
    setValue(next);
  };
  const part: PartProps = {
    form,
    change,
    set: (field, value) => {
      setTouched((old) => (old.has(field) ? old : new Set([...old, field])));
      change((old) => ({ ...old, [field]: value }));
    },
    fault: (field) => {
      const own = tried || touched.has(field) ? faults.find((fault) => fault.field === field) : undefined;
      if (own) return t(own.key);
      const issue = said.find((one) => fieldOf(one) === field);
      return issue ? (issue.details?.text ?? t('refer.fault.server')) : undefined;
    },
  };

  async function go(submit: boolean): Promise<void> {
    if (sending.current) return;
    const wrong = submit ? faults : draftFaultsOf(form);
    if (submit) setTried(true);
    if (wrong[0]) return jumpTo(wrong[0].field);
    if (submit && inTheWay) return void navigate(`/referrals/${inTheWay.task.id ?? ''}`);
    sending.current = true;
    setBusy(submit ? 'submit' : 'draft');
    setRefusal(null);
    const frame = frameOf(start, { reference: `Patient/${id}`, display: patientName(patient) });
    const signed = {
      by: { reference: person.agent ?? '', display: `${person.name}(${person.institution?.name ?? ''})` },
      at: new Date().toISOString(),
    };
    const names = new Map(options.map((option) => [option.reference, option.name]));
    try {
      const task = await send(form, { start, frame, names, signed }, submit);
      kept.finish();
      renew();
      arrive(task, submit);
    } catch (error) {
      setRefusal(error);
      if (error instanceof Problem && (error.kind === 'conflict' || error.kind === 'stale')) renew();
      const field = error instanceof Problem ? error.issues.map(fieldOf).find((one) => one !== null) : null;
      if (field) setTimeout(() => jumpTo(field));
    } finally {
      sending.current = false;
      setBusy(null);
    }
  }

  function renew(): void {
    void queries.invalidateQueries({ queryKey: ['patient', id, 'referrals'] });
    void queries.invalidateQueries({ queryKey: ['worklist-counts'] });
    void queries.invalidateQueries({ queryKey: ['worklist'] });
    void queries.invalidateQueries({ queryKey: ['referrals-short'] });
    void queries.invalidateQueries({ queryKey: ['places'] });
  }

  function arrive(task: Task, submit: boolean): void {
    if (submit) {
      void navigate(`/referrals/${task.id ?? ''}`, { replace: true, state: { sent: true } });
      return;
    }
    void message.success(t('refer.draft.saved'));
    void navigate(start.kind === 'draft' ? '/worklist/drafts' : referAddress(id, 'draft', task.id), { replace: true });
  }

  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void go(true);
    }
  };

  const diagnoses = useMemo(() => parts.problems.map(diagnosisOf).filter((one) => one.text), [parts]);
  const origin = start.kind === 'down' ? (senderOf(start.task)?.reference ?? '') : '';
  const waitingDrafts = start.kind === 'new' ? drafts(others) : [];
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Ctrl+Enter works in whichever field one is.
    <div className={styles.page} onKeyDown={onKey}>
      <h2 className={styles.title}>{t(`refer.title.${start.kind}`, { name: patientName(patient) })}</h2>
      <OpenReferralNotice referrals={inTheWay ? [inTheWay] : live(others)} blocking={inTheWay !== undefined} />
      {waitingDrafts.map(({ task, request }) => (
        <Alert
          key={task.id}
          className={styles.notice ?? ''}
          type="info"
          title={t('refer.draft.waiting', {
            specialty: specialtyName(request, lang),
            date: dateTime(task.lastModified),
          })}
          action={<Link to={referAddress(id, 'draft', task.id)}>{t('refer.draft.go')}</Link>}
        />
      ))}
      {restored && kept.keptAt && (
        <Alert
          className={styles.notice ?? ''}
          type="info"
          title={t('refer.restored', { date: dateTime(restored) })}
          action={
            <Button size="small" onClick={() => kept.restart(fresh())}>
              {t('refer.restart')}
            </Button>
          }
        />
      )}
      {missing.length > 0 && (
        <Alert
          className={styles.notice ?? ''}
          type="warning"
          title={t('refer.missing', { what: missing.map((name) => t(`refer.part.${name}`)).join(t('list.separator')) })}
        />
      )}
      <div className={styles.columns}>
        <div>
          <CriteriaField {...part} patientId={id} card={cardOf(start)} />
          <Panel title={t('refer.section.where')}>
            <div className={styles.body}>
              <WhereFields {...part} origin={origin} patient={`Patient/${id}`} draft={start.kind === 'draft'} />
            </div>
          </Panel>
          <Panel title={t('refer.section.evidence')}>
            <div className={styles.body}>
              <EvidenceField {...part} options={options} />
            </div>
          </Panel>
        </div>
        <div>
          <Panel title={t('refer.section.why')} aside={<span className="quiet">{t('refer.fromRecord')}</span>}>
            <div className={styles.body}>
              <WhyFields {...part} diagnoses={diagnoses} />
              <StoryFields {...part} />
            </div>
          </Panel>
          <Panel title={t('refer.section.travel')}>
            <div className={styles.body}>
              <TravelFields {...part} />
            </div>
          </Panel>
        </div>
      </div>
      <SendBar
        form={form}
        faults={faults}
        busy={busy}
        blocked={inTheWay !== undefined}
        keptAt={kept.keptAt}
        draft={start.kind === 'draft'}
        onSend={(submit) => void go(submit)}
        refusal={<Refusal error={refusal} referrals={others} specialty={form.specialty} />}
      />
    </div>
  );
}
