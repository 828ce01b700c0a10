import { useQueryClient } from '@tanstack/react-query';
import { App } from 'antd';
import { useState } from 'react';
import { whatHappened } from '../client/problem';
import { useLocale } from '../locale/locale';

/** One act at a time: what runs, what went wrong in words, and the lists read anew when it is done. */
export function useDoing() {
  const { t, lang } = useLocale();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [busy, setBusy] = useState('');
  /** Carries `act` out; says `done`, or `failed` and why. Returns whether it worked. */
  async function run(name: string, act: () => Promise<string>, failed: string): Promise<boolean> {
    setBusy(name);
    try {
      const done = await act();
      if (done) void message.success(done);
      return true;
    } catch (error) {
      void message.error(`${failed}：${whatHappened(error, t, lang)}`, 6);
      return false;
    } finally {
      setBusy('');
      void queries.invalidateQueries({ queryKey: ['booking'] });
    }
  }
  return { busy, run };
}
