import { useCallback, useEffect, useRef, useState } from 'react';

/** What is typed survives a reload and a lost connection: kept in this tab (sessionStorage) under a name, until it is sent or thrown away. */

interface Kept<T> {
  at: string;
  value: T;
}

const PREFIX = 'yilian.kept.';

export function recall<T>(name: string): Kept<T> | null {
  try {
    const text = sessionStorage.getItem(PREFIX + name);
    return text ? (JSON.parse(text) as Kept<T>) : null;
  } catch {
    return null;
  }
}

export function keep<T>(name: string, value: T): string {
  const at = new Date().toISOString();
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify({ at, value } satisfies Kept<T>));
  } catch {
    // A full or forbidden store costs the draft, not the form.
  }
  return at;
}

export const forget = (name: string): void => sessionStorage.removeItem(PREFIX + name);

const AFTER_TYPING_MS = 300;

/** A value that is kept while it changes. Returns it, its setter, when it was last kept, and how to be done with it. */
export function useKept<T>(name: string, initial: () => T) {
  const [value, setValue] = useState<T>(() => recall<T>(name)?.value ?? initial());
  const [keptAt, setKeptAt] = useState<string>(() => recall<T>(name)?.at ?? '');
  const untouched = useRef(value);
  const done = useRef(false);

  useEffect(() => {
    if (value === untouched.current || done.current) return;
    const timer = setTimeout(() => setKeptAt(keep(name, value)), AFTER_TYPING_MS);
    return () => clearTimeout(timer);
  }, [name, value]);

  // Leaving the page in the middle of a word loses none of it.
  const latest = useRef(value);
  latest.current = value;
  useEffect(
    () => () => {
      if (latest.current !== untouched.current && !done.current) keep(name, latest.current);
    },
    [name],
  );

  const finish = useCallback(() => {
    done.current = true;
    forget(name);
  }, [name]);

  /** Throws what was kept away and begins anew. */
  const restart = useCallback(
    (fresh: T) => {
      forget(name);
      untouched.current = fresh;
      setKeptAt('');
      setValue(fresh);
    },
    [name],
  );

  return { value, setValue, keptAt, finish, restart };
}
