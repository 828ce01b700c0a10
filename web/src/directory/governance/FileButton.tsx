import { App, Button } from 'antd';
import { useState } from 'react';
import { whatHappened } from '../../client/problem';
import { useLocale } from '../../locale/locale';
import { fileOf } from './papers';

/** Opens the file of a paper in a window of its own. */
export function FileButton({ consortium, paper }: { consortium: string; paper: string }) {
  const { t, lang } = useLocale();
  const { message } = App.useApp();
  const [busy, setBusy] = useState(false);
  const open = async () => {
    setBusy(true);
    try {
      const file = await fileOf(consortium, paper);
      if (!file) message.info(t('governance.file.checking'));
      else {
        const link = document.createElement('a');
        link.href = URL.createObjectURL(file);
        link.target = '_blank';
        link.rel = 'noopener';
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      }
    } catch (error) {
      message.error(whatHappened(error, t, lang));
    }
    setBusy(false);
  };
  return (
    <Button size="small" loading={busy} onClick={() => void open()}>
      {t('governance.file.open')}
    </Button>
  );
}
