import { useCallback, useEffect, useRef, useState } from 'react';
import { Problem } from '../client/problem';
import { freshCode, isOver, type ShownCard, untilRenewal } from './card';

const TICK_MS = 500;
const AGAIN_MS = 5000;

/** What the page shows: nothing yet, that there is no card, a code, or why there is none. */
export type Showing =
  | { state: 'loading' }
  /** `problem`: why applying for one failed. */
  | { state: 'none'; problem: unknown }
  | { state: 'failed'; error: unknown }
  | { state: 'here'; card: ShownCard; left: number; over: boolean };

export interface CardInHand {
  showing: Showing;
  busy: boolean;
  renew: (apply?: boolean) => void;
  /** After it was withdrawn. */
  forget: () => void;
}

/**
 * Keeps a good code on the screen: renewed before it ends as long as somebody looks, tried again after a failure, and not asked for at all while
 * the page is hidden.
 */
export function useCard(patient: string): CardInHand {
  const [card, setCard] = useState<ShownCard | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const [none, setNone] = useState(false);
  const [busy, setBusy] = useState(false);
  const [now, setNow] = useState(() => performance.now());
  const asking = useRef(false);
  const notBefore = useRef(0);

  const renew = useCallback(
    (apply = false) => {
      if (asking.current) return;
      asking.current = true;
      setBusy(true);
      freshCode(patient, apply)
        .then((fresh) => {
          setCard(fresh);
          setNone(false);
          setProblem(null);
          setNow(performance.now());
        })
        .catch((error: unknown) => {
          if (error instanceof Problem && error.kind === 'conflict' && !apply) {
            setNone(true);
            setCard(null);
          } else {
            setProblem(error);
          }
          notBefore.current = performance.now() + AGAIN_MS;
        })
        .finally(() => {
          asking.current = false;
          setBusy(false);
        });
    },
    [patient],
  );

  useEffect(() => renew(), [renew]);

  useEffect(() => {
    if (none) return;
    const tick = () => {
      if (document.hidden) return;
      const moment = performance.now();
      setNow(moment);
      if ((!card || untilRenewal(card, moment) === 0) && moment >= notBefore.current) renew();
    };
    const timer = setInterval(tick, TICK_MS);
    document.addEventListener('visibilitychange', tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', tick);
    };
  }, [card, none, renew]);

  const forget = useCallback(() => {
    setCard(null);
    setProblem(null);
    setNone(true);
  }, []);

  const showing: Showing = none
    ? { state: 'none', problem }
    : card
      ? { state: 'here', card, left: untilRenewal(card, now), over: isOver(card, now) }
      : problem
        ? { state: 'failed', error: problem }
        : { state: 'loading' };
  return { showing, busy, renew, forget };
}
