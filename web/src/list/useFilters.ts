import { useCallback } from 'react';
import { useSearchParams } from 'react-router';

/** The filters of a list, kept in the address so that it can be shared, reloaded and gone back to. */
export function useFilters(): [(name: string) => string, (name: string, value: string) => void] {
  const [params, setParams] = useSearchParams();
  const get = useCallback((name: string) => params.get(name) ?? '', [params]);
  const set = useCallback(
    (name: string, value: string) =>
      setParams(
        (old) => {
          const next = new URLSearchParams(old);
          if (value) next.set(name, value);
          else next.delete(name);
          return next;
        },
        { replace: true },
      ),
    [setParams],
  );
  return [get, set];
}
