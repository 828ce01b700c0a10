import { useQuery } from '@tanstack/react-query';
import { request } from '../client/client';
import type { Key } from '../locale/locale';

/** A post, as the server names it (`urls.ROLE`). */
export type Post =
  | 'gp'
  | 'physician'
  | 'head'
  | 'coordinator'
  | 'consultant'
  | 'office'
  | 'regulator'
  | 'pharmacist'
  | 'admin'
  | 'privacy'
  | 'data-steward'
  | 'registrar'
  | 'medical-affairs'
  | 'president'
  | 'security'
  | 'resident';

/** Who is signed in (`GET /oauth2/userinfo`). */
export interface Person {
  sub: string;
  name: string;
  roles: Post[];
  institution: { reference: string; name: string; tier?: string | null } | null;
  /** "Practitioner/…", empty for accounts that are no practitioner. */
  agent?: string | null;
  /** "Patient/…" of a resident. */
  patient: string | null;
}

const CLINICAL: readonly Post[] = [
  'gp',
  'physician',
  'head',
  'coordinator',
  'consultant',
  'medical-affairs',
  'president',
];

/** May open patients' records: the server decides which. */
export const seesPatients = (person: Person): boolean => person.roles.some((post) => CLINICAL.includes(post));

/** May open a record in an emergency. */
const BREAKS_GLASS: readonly Post[] = ['gp', 'physician', 'head', 'consultant'];
export const breaksGlass = (person: Person): boolean => person.roles.some((post) => BREAKS_GLASS.includes(post));

/** Looks after other people's accounts: `gives` in the server's table of posts. */
export const looksAfterAccounts = (person: Person): boolean => has(person, 'admin', 'security');

export const has = (person: Person, ...posts: Post[]): boolean => posts.some((post) => person.roles.includes(post));

export const postKey = (post: Post): Key => `post.${post}`;

async function whoAmI(signal: AbortSignal): Promise<Person> {
  const answer = await request('/oauth2/userinfo', { signal, headers: { Accept: 'application/json' } });
  return (await answer.json()) as Person;
}

export const personQuery = {
  queryKey: ['person'],
  queryFn: ({ signal }: { signal: AbortSignal }) => whoAmI(signal),
  staleTime: Number.POSITIVE_INFINITY,
  gcTime: Number.POSITIVE_INFINITY,
} as const;

/** The person signed in. Only inside the signed-in frame, which shows no page before the person is known. */
export function usePerson(): Person {
  const { data } = useQuery(personQuery);
  if (!data) throw new Error('usePerson outside the signed-in frame');
  return data;
}
