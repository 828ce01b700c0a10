import { useEffect } from 'react';

/** Keeps the screen from going dark while the card is shown, where the browser can. */
export function useAwake(wanted: boolean): void {
  useEffect(() => {
    if (!wanted || !('wakeLock' in navigator)) return;
    let lock: WakeLockSentinel | undefined;
    let left = false;
    const hold = () => {
      if (document.hidden) return;
      navigator.wakeLock
        .request('screen')
        .then((held) => {
          if (left) void held.release();
          else lock = held;
        })
        .catch(() => {}); // a low battery may refuse it: the card is shown all the same
    };
    hold();
    document.addEventListener('visibilitychange', hold);
    return () => {
      left = true;
      document.removeEventListener('visibilitychange', hold);
      void lock?.release();
    };
  }, [wanted]);
}
