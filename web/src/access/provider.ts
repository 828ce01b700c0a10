import { call } from '../accounts/calls';
import type { Step } from './SignInSteps';

/** An institution's own OpenID provider, by which its people sign in here. */
export interface Provider {
  id: string;
  name: string;
}

const SAID = ['not-completed', 'not-linked', 'unreachable', 'too-many'] as const;
type Said = (typeof SAID)[number];
const STEPS: Step[] = ['second-factor', 'password', 'enrol'];

/**
 * What the address of the sign-in page says of a way by a provider. said: why it failed; step: what is still asked; link: a local password
 * would link the account there to the one here; query: the rest, which an application came with.
 */
export interface Arrival {
  said: Said | null;
  step: Step | null;
  link: boolean;
  query: string;
}

export function arrival(search: string): Arrival {
  const query = new URLSearchParams(search);
  const said = SAID.find((one) => one === query.get('provider-said')) ?? null;
  const step = STEPS.find((one) => one === query.get('step')) ?? null;
  const link = query.has('link');
  for (const name of ['provider-said', 'step', 'link']) query.delete(name);
  return { said, step, link, query: query.toString() };
}

export const providers = (signal: AbortSignal) => call<{ providers: Provider[] }>('providers', { signal });

/** Leaves for the provider. */
export async function goTo(provider: string, query: string): Promise<void> {
  const { location: there } = await call<{ location: string }>('provider', { body: { provider, next: query } });
  location.assign(there);
}

/** After the local password: the account at the provider is this one's from now on. */
export async function finishLink(): Promise<undefined> {
  await call('provider/link', { body: {} });
}
