import type { Organization, Parameters, ParametersParameter } from 'fhir/r4';
import { ask, operate, read } from '../client/client';
import { type Reading, useReading } from '../page/reading';

/** 平台外机构, as the sender of a referral and the consortium office see them. */

const OUTSIDE = 'https://yilian.example/fhir/StructureDefinition/outside-the-platform';

export const isOutside = (organization: Organization): boolean =>
  (organization.extension ?? []).some((one) => one.url === OUTSIDE && one.valueBoolean === true);

/** Whether this institution ("Organization/…") is not on the platform. */
export function useIsOutside(reference: string): boolean {
  const id = reference.replace(/^Organization\//, '');
  const reading = useReading(['organization', id], (signal) => read<Organization>('Organization', id, signal), {
    enabled: id !== '',
    staleTime: 30 * 60_000,
  });
  return reading.state === 'here' && isOutside(reading.value);
}

export interface Letter {
  readonly what: string;
  readonly to: string;
  readonly state: string;
}

export interface Link {
  /** alive, or why it is not; empty where none was sent. */
  readonly state: string;
  readonly expires: string;
  readonly openedBy: string;
  readonly openedAt: string;
  readonly phone: string;
  readonly letters: readonly Letter[];
  readonly maySend: boolean;
  readonly mayEnd: boolean;
  readonly mayTell: boolean;
}

export function linkOf(parameters: Parameters): Link {
  const parts = parameters.parameter ?? [];
  const find = (name: string, among: readonly ParametersParameter[] = parts) => among.find((one) => one.name === name);
  return {
    state: find('state')?.valueCode ?? '',
    expires: find('expires')?.valueInstant ?? '',
    openedBy: find('opened-by')?.valueString ?? '',
    openedAt: find('opened-last')?.valueInstant ?? find('opened')?.valueInstant ?? '',
    phone: find('phone')?.valueString ?? '',
    letters: parts
      .filter((one) => one.name === 'letter')
      .map(({ part = [] }) => ({
        what: find('what', part)?.valueCode ?? '',
        to: find('to', part)?.valueString ?? '',
        state: find('state', part)?.valueCode ?? '',
      })),
    maySend: find('may-send')?.valueBoolean ?? false,
    mayEnd: find('may-end')?.valueBoolean ?? false,
    mayTell: find('may-tell')?.valueBoolean ?? false,
  };
}

export const linkKey = (task: string, version: string) => ['referral', task, 'outside', version];

export const useLink = (task: string, version: string): Reading<Link> =>
  useReading(
    linkKey(task, version),
    async (signal) => linkOf(await ask<Parameters>(`Task/${task}/$outside`, {}, signal)),
    { staleTime: 0, refetchInterval: 30_000 },
  );

const NOTHING: Parameters = { resourceType: 'Parameters' };

export const sendAnew = (task: string) => operate(`Task/${task}/$outside-send`, NOTHING);
export const takeBack = (task: string) => operate(`Task/${task}/$outside-end`, NOTHING);

export async function codeOf(task: string): Promise<{ code: string; number: string }> {
  const parts = (await operate<Parameters>(`Task/${task}/$outside-code`, NOTHING)).parameter ?? [];
  const text = (name: string) => parts.find((one) => one.name === name)?.valueString ?? '';
  return { code: text('code'), number: text('number') };
}

export interface Window {
  readonly outside: boolean;
  readonly email: string;
  readonly sms: string;
}

export function windowOf(parameters: Parameters): Window {
  const find = (name: string) => parameters.parameter?.find((one) => one.name === name);
  return {
    outside: find('outside')?.valueBoolean ?? false,
    email: find('email')?.valueString ?? '',
    sms: find('sms')?.valueString ?? '',
  };
}

export const keepWindow = (id: string, { outside, email, sms }: Window) =>
  operate(`Organization/${id}/$keep-referral-window`, {
    resourceType: 'Parameters',
    parameter: [
      { name: 'outside', valueBoolean: outside },
      ...(outside && email.trim() ? [{ name: 'email', valueString: email.trim() }] : []),
      ...(outside && sms.trim() ? [{ name: 'sms', valueString: sms.trim() }] : []),
    ],
  } as Parameters);
