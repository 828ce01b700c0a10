import { Alert, Button, Drawer } from 'antd';
import { type KeyboardEvent, type ReactNode, useRef, useState } from 'react';
import { usePerson } from '../../access/person';
import { Problem } from '../../client/problem';
import { today as todayOf } from '../../fhir/dates';
import { patientName } from '../../fhir/patient';
import { useAppearance } from '../../layout/appearance';
import { type Key, useLocale } from '../../locale/locale';
import { useKept } from '../kept';
import { jumpTo } from '../refer/Field';
import type { Thread } from '../thread/thread';
import { ActField } from './ActField';
import { ActRefusal } from './ActRefusal';
import styles from './actions.module.css';
import { initialAct } from './initial';
import type { LegalAction } from './legal';
import {
  type ActFault,
  type ActForm,
  actFaults,
  actFieldOf,
  EMPTY_ACT,
  type ActField as FieldName,
  fieldsOf,
} from './parameters';
import { actionName, consequence } from './words';

interface ActionFormProps {
  action: LegalAction;
  thread: Thread;
  /** What the server allows by now: another list when somebody acted in between. */
  legal: readonly LegalAction[];
  busy: boolean;
  problem: unknown;
  newer: ReactNode;
  onDo: (action: LegalAction, form: ActForm) => Promise<boolean>;
  onClose: () => void;
}

const FIRST_FIELD = '[data-field] :is(input:not([type="hidden"]), textarea, button)';

/**
 * The small form of one action, beside the case so that one can read while one writes: exactly the parameters the server names, what follows, and
 * one button. Kept while one types; a mistake of another person in between costs nothing that was written.
 */
export function ActionForm({ action, thread, legal, busy, problem, newer, onDo, onClose }: ActionFormProps) {
  const { t, lang } = useLocale();
  const person = usePerson();
  const { phone } = useAppearance();
  const [today] = useState(() => todayOf(new Date()));
  const kept = useKept<ActForm>(`act.${person.sub}.${thread.task.id ?? ''}.${action.code}`, () =>
    initialAct(action, thread, person, t, today),
  );
  // What was kept before the form had another field is still good.
  const { setValue } = kept;
  const form: ActForm = { ...EMPTY_ACT, ...kept.value };
  const first = useRef<HTMLDivElement>(null);
  const [tried, setTried] = useState(false);
  const faults = actFaults(action, form);
  const name = actionName(action, t, lang);
  const then = consequence(action, t);
  const stillLegal = legal.some((one) => one.code === action.code);
  const issues = problem instanceof Problem ? problem.issues : [];
  const said = (field: FieldName): string | undefined => {
    const own = tried ? faults.find((fault) => fault.field === field) : undefined;
    if (own) return faultText(own);
    const issue = issues.find((one) => (one.expression ?? []).some((place) => actFieldOf(place) === field));
    return issue ? (issue.details?.text ?? t('refer.fault.server')) : undefined;
  };

  function faultText(fault: ActFault): string {
    if (fault.kind !== 'missing') return t(`act.fault.${fault.kind}`);
    return t('act.fault.missing', { what: t(`act.${fault.field}` as Key, { n: 0 }) });
  }

  async function go(): Promise<void> {
    if (busy || !stillLegal) return;
    setTried(true);
    if (faults[0]) return jumpTo(`act-${faults[0].field}`);
    if (await onDo(action, form)) kept.finish();
  }

  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void go();
    }
  };

  const who = thread.patient ? patientName(thread.patient) : (thread.task.for?.display ?? '');
  return (
    <Drawer
      open
      mask={phone}
      placement={phone ? 'bottom' : 'right'}
      size={phone ? '92%' : 560}
      title={`${name} · ${who}`}
      onClose={onClose}
      afterOpenChange={(shown) => {
        // One goes on writing without reaching for the mouse; on a phone the keys would cover what is asked. Who was quicker is let be.
        if (!shown || phone || first.current?.contains(document.activeElement)) return;
        first.current?.querySelector<HTMLElement>(FIRST_FIELD)?.focus({ preventScroll: true });
      }}
      footer={
        <div className={styles.formFoot}>
          <span className="quiet">{t('act.keys')}</span>
          <Button onClick={onClose}>{t('act.back')}</Button>
          <Button type="primary" danger={action.danger} loading={busy} disabled={!stillLegal} onClick={() => void go()}>
            {name}
          </Button>
        </div>
      }
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Ctrl+Enter works in whichever field one is. */}
      <div className={styles.form} ref={first} onKeyDown={onKey}>
        {newer}
        {!stillLegal && (
          <Alert
            type="warning"
            showIcon
            title={t('act.nolonger', { action: name })}
            description={
              legal.length > 0
                ? t('act.instead', { actions: legal.map((one) => actionName(one, t, lang)).join(t('list.separator')) })
                : t('act.nothing')
            }
          />
        )}
        <ActRefusal problem={problem} what={name} />
        {then && (
          <p className={action.danger ? styles.danger : styles.then} role={action.danger ? 'note' : undefined}>
            {then}
          </p>
        )}
        {fieldsOf(action).map(({ field, required }) => (
          <ActField
            key={field}
            name={field}
            action={action}
            thread={thread}
            form={form}
            required={required || action.oneOf.length === 1}
            fault={said(field)}
            onChange={(next) => setValue((old) => ({ ...old, ...next }))}
          />
        ))}
      </div>
    </Drawer>
  );
}
