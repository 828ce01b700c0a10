import { useCallback, useEffect, useState } from 'react';

const TYPING = 'input, textarea, select, [contenteditable="true"], [role="combobox"]';

/** Whether keys belong to a field or a dialog at this moment, and not to the page. */
export function keysAreTaken(target: EventTarget | null): boolean {
  if (
    document.querySelector(
      '.ant-modal-wrap:not([style*="display: none"]), .ant-drawer-open, .ant-select-dropdown:not(.ant-select-dropdown-hidden)',
    )
  )
    return true;
  return target instanceof Element && target.closest(TYPING) !== null;
}

/** Where the person was in each list, so that going back finds the same row. */
const places = new Map<string, number>();

/**
 * `j`/`k` (and arrow keys on a row) move the marked row, `Enter` opens it. Returns the marked row's index, -1 for none.
 * `onEnd` is called when the person moves on from the last row, to fetch more.
 */
export function useRowKeys(
  list: string,
  count: number,
  open: (index: number) => void,
  onEnd: () => void,
): [number, (index: number) => void] {
  const [index, setIndex] = useState(() => places.get(list) ?? -1);
  const mark = useCallback(
    (next: number) => {
      places.set(list, next);
      setIndex(next);
    },
    [list],
  );

  useEffect(() => {
    setIndex(places.get(list) ?? -1);
  }, [list]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || keysAreTaken(event.target))
        return;
      const step = event.key === 'j' ? 1 : event.key === 'k' ? -1 : 0;
      if (step !== 0 && count > 0) {
        event.preventDefault();
        const next = Math.min(Math.max(index + step, 0), count - 1);
        if (step > 0 && index === count - 1) onEnd();
        mark(next);
        document.querySelector(`[data-row="${list}:${next}"]`)?.scrollIntoView({ block: 'nearest' });
      }
      if (event.key === 'Enter' && index >= 0 && index < count) {
        // A focused link or button keeps its own Enter.
        if (event.target instanceof Element && event.target.closest('a, button')) return;
        event.preventDefault();
        open(index);
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [list, count, index, open, onEnd, mark]);

  return [index, mark];
}
