import { useEffect, useRef } from 'react';
import { keysAreTaken } from '../list/useRowKeys';

/** Between two keys of a scanner, also of a slow one on a busy machine. Outside of fields nobody types numbers anyway. */
const FAST_MS = 200;
/** Shorter runs of fast keys are somebody drumming on the keyboard. */
const AT_LEAST = 8;

/**
 * A scanner that types (a keyboard wedge), heard wherever the focus is outside of fields and dialogs: fast keys ended by Enter. The Enter then
 * presses no button that happens to have the focus.
 */
export function useWedge(onScan: (text: string) => void): void {
  const scanned = useRef(onScan);
  useEffect(() => {
    scanned.current = onScan;
  }, [onScan]);

  useEffect(() => {
    let text = '';
    let last = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || keysAreTaken(event.target)) {
        text = '';
        return;
      }
      if (event.timeStamp - last > FAST_MS) text = '';
      last = event.timeStamp;
      if (event.key === 'Enter') {
        if (text.length >= AT_LEAST) {
          event.preventDefault();
          event.stopPropagation();
          scanned.current(text);
        }
        text = '';
      } else if (event.key.length === 1) {
        text += event.key;
      }
    };
    addEventListener('keydown', onKey, true);
    return () => removeEventListener('keydown', onKey, true);
  }, []);
}
