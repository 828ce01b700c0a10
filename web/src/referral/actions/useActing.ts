import { App } from 'antd';
import type { Task } from 'fhir/r4';
import { useState } from 'react';
import { operate } from '../../client/client';
import { Problem } from '../../client/problem';
import { today } from '../../fhir/dates';
import { useLocale } from '../../locale/locale';
import { versionOf } from '../task';
import type { Following, Thread } from '../thread/thread';
import type { LegalAction } from './legal';
import { type ActForm, actParameters, EMPTY_ACT } from './parameters';
import { actionName } from './words';

export interface Acting {
  /** Code of the action under way, empty for none. */
  busy: string;
  problem: unknown;
  /** What the last step is called. */
  last: string;
  /** Set when the last try met a change by somebody else, which is shown by now. */
  stale: boolean;
  clear: () => void;
  /** True when it was done. */
  act: (action: LegalAction, form?: ActForm) => Promise<boolean>;
}

/** Takes a step with the version that is on the screen. When somebody was quicker, reads anew and says so; what was written stays. */
export function useActing(thread: Thread, following: Following, onDone?: (task: Task) => void): Acting {
  const { t, lang } = useLocale();
  const { message } = App.useApp();
  const [busy, setBusy] = useState('');
  const [problem, setProblem] = useState<unknown>(null);
  const [last, setLast] = useState('');
  const stale = problem instanceof Problem && problem.kind === 'stale';

  async function act(action: LegalAction, form: ActForm = EMPTY_ACT): Promise<boolean> {
    if (busy) return false;
    setBusy(action.code);
    setLast(actionName(action, t, lang));
    setProblem(null);
    const { task } = thread;
    const parameters = actParameters(action, form, { reference: task.for?.reference ?? '' }, today(new Date()));
    try {
      const done = await operate<Task>(`Task/${task.id ?? ''}/$act`, parameters, versionOf(task));
      void message.success(t('act.done', { action: actionName(action, t, lang) }));
      // The step is taken; if reading it back fails, the next look will show it.
      await following.renew().catch(() => undefined);
      onDone?.(done);
      return true;
    } catch (error) {
      setProblem(error);
      if (error instanceof Problem && ['stale', 'conflict', 'forbidden'].includes(error.kind))
        await following.renew().catch(() => undefined);
      return false;
    } finally {
      setBusy('');
    }
  }

  return { busy, problem, last, stale, clear: () => setProblem(null), act };
}
