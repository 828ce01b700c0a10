import { type QueryKey, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import type { Person } from '../access/person';
import { startLive, TOPICS, type Topic, useLive } from '../client/live';

/** What is looked at again when something changed. Pages of one thing listen for themselves. */
const LOOKED_AT: Record<Topic, QueryKey[]> = {
  inbox: [['messages'], ['messages-counts'], ['follow-ups']],
  referrals: [['worklist-counts'], ['referrals-short']],
  conversation: [],
  bookings: [
    ['booking', 'day'],
    ['booking', 'mine'],
    ['booking', 'queue'],
  ],
  beds: [['beds']],
};
const AT_MOST_EVERY_MS = 1_500;

/** Listens while somebody is signed in, and has what is on the screen read again, once in a while at most. */
export function LiveQueries({ person }: { person: Person }) {
  const queries = useQueryClient();
  const timers = useRef(new Map<Topic, { last: number; timer?: ReturnType<typeof setTimeout> }>());
  const who = `${person.sub} ${person.institution?.reference ?? ''}`;
  useEffect(() => startLive(who), [who]);
  useEffect(() => {
    const waiting = timers.current;
    return () => {
      for (const { timer } of waiting.values()) clearTimeout(timer);
    };
  }, []);
  useLive(TOPICS, ({ topic }) => {
    const known = timers.current.get(topic) ?? { last: 0 };
    if (known.timer) return;
    const look = () => {
      timers.current.set(topic, { last: Date.now() });
      for (const queryKey of LOOKED_AT[topic]) void queries.invalidateQueries({ queryKey });
    };
    const wait = known.last + AT_MOST_EVERY_MS - Date.now();
    if (wait <= 0) look();
    else timers.current.set(topic, { ...known, timer: setTimeout(look, wait) });
  });
  return null;
}
