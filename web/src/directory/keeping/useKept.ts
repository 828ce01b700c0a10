import { useQueryClient } from '@tanstack/react-query';
import type { FormInstance } from 'antd';
import { App } from 'antd';
import { useState } from 'react';
import { Problem, whatHappened } from '../../client/problem';
import { useLocale } from '../../locale/locale';

export interface Keeping {
  readonly busy: boolean;
  readonly fault: string;
  /** Somebody else changed it since it was read. */
  readonly stale: boolean;
  /** Runs what keeps it; whether it was kept. */
  readonly keep: (act: () => Promise<unknown>) => Promise<boolean>;
}

/**
 * One attempt to keep something after the other. `places` says which field a fault belongs to, by the end of its expression:
 * what is said of a field stands at the field, the rest above the form.
 */
// biome-ignore lint/suspicious/noExplicitAny: antd's form is invariant in its fields; only names are used here.
export function useKept(form?: FormInstance<any>, places: Readonly<Record<string, string>> = {}): Keeping {
  const { t, lang } = useLocale();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState('');
  const [stale, setStale] = useState(false);
  const keep = async (act: () => Promise<unknown>) => {
    setBusy(true);
    setFault('');
    setStale(false);
    try {
      await act();
      await queries.invalidateQueries();
      message.success(t('kept.done'));
      return true;
    } catch (error) {
      if (error instanceof Problem && error.kind === 'stale') setStale(true);
      else {
        let rest = !(error instanceof Problem) || error.issues.length === 0;
        for (const issue of error instanceof Problem ? error.issues : []) {
          const where = issue.expression?.[0] ?? '';
          const field = Object.entries(places).find(([end]) => where.endsWith(end))?.[1];
          const said = lang === 'zh' ? issue.details?.text : (issue.diagnostics ?? issue.details?.text);
          if (form && field && said) form.setFields([{ name: field, errors: [said] }]);
          else rest = true;
        }
        if (rest) setFault(whatHappened(error, t, lang));
      }
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, fault, stale, keep };
}
