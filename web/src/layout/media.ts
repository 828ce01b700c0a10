import { useSyncExternalStore } from 'react';

/** Whether this holds of the screen now, and whenever it changes. */
export function useMedia(media: MediaQueryList): boolean {
  return useSyncExternalStore(
    (listener) => {
      media.addEventListener('change', listener);
      return () => media.removeEventListener('change', listener);
    },
    () => media.matches,
  );
}
