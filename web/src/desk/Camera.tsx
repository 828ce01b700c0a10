import { useEffect, useRef, useState } from 'react';
import { useLocale } from '../locale/locale';
import styles from './desk.module.css';
import { readerOf } from './reader';

const EVERY_MS = 120;

/** The camera of this machine as a scanner, as long as it is shown. Nothing it sees is kept or sent. */
export default function Camera({ onScan }: { onScan: (text: string) => void }) {
  const { t } = useLocale();
  const video = useRef<HTMLVideoElement>(null);
  const scanned = useRef(onScan);
  const [failed, setFailed] = useState(false);

  useEffect(() => {
    scanned.current = onScan;
  }, [onScan]);

  useEffect(() => {
    let stream: MediaStream | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let left = false;

    async function look(): Promise<void> {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: 'environment', width: { ideal: 1280 } },
      });
      const shown = video.current;
      if (left || !shown) return stop();
      shown.srcObject = stream;
      await shown.play();
      const read = await readerOf();
      const again = async (): Promise<void> => {
        if (left) return;
        const found = await read(shown);
        if (left) return;
        if (found) scanned.current(found);
        else timer = setTimeout(() => void again(), EVERY_MS);
      };
      await again();
    }
    function stop(): void {
      for (const track of stream?.getTracks() ?? []) track.stop();
    }

    look().catch(() => {
      if (!left) setFailed(true);
    });
    return () => {
      left = true;
      clearTimeout(timer);
      stop();
    };
  }, []);

  if (failed)
    return (
      <p role="alert" className={styles.camera}>
        {t('desk.camera.none')}
      </p>
    );
  return (
    <figure className={styles.camera}>
      <video ref={video} muted playsInline aria-label={t('desk.camera.what')} />
      <figcaption>{t('desk.camera.how')}</figcaption>
    </figure>
  );
}
