import type { Bundle, Communication, Parameters, ParametersParameter } from 'fhir/r4';
import { has, type Person } from '../access/person';
import { address, ask, nextPage, operate, type Page, search } from '../client/client';

/** 消息: entries of one's inbox, as the server tells them. */
const ENTRY = 'https://yilian.example/fhir/StructureDefinition/message-';

export interface Message {
  readonly id: string;
  readonly kind: string;
  readonly event: string;
  readonly title: string;
  /** Empty for who may not know whom it is about. */
  readonly text: string;
  /** Where it leads; empty where there is no page for it, or it may not be seen. */
  readonly to: string;
  readonly sent: string;
  readonly unread: boolean;
  readonly urgent: boolean;
  readonly times: number;
  /** Told to everybody who holds this post. */
  readonly post: string;
  readonly handled: string;
  readonly handledBy: string;
}

export interface MessagePage {
  readonly messages: readonly Message[];
  readonly next: string | undefined;
}

/** The page that shows what a message is about. */
export function pageOf(about: string | undefined, event = '', ward = ''): string {
  const [kind = '', id = ''] = (about ?? '').split('/');
  if (!id) return '';
  if (kind === 'Task') return event === 'referral.rate' ? `/rate/${id}` : `/referrals/${id}`;
  if (kind === 'Appointment') return ward ? `/bookings?patient=${ward}` : '/bookings'; // told to patients and their guardians alone
  if (kind === 'Patient') return `/patients/${id}`;
  if (kind === 'Organization' && event.startsWith('consortium.')) return `/consortia?of=${id}`;
  return '';
}

export function messageOf(resource: Communication): Message {
  const of = (name: string) => resource.extension?.find((one) => one.url === ENTRY + name);
  const title = resource.topic?.text ?? '';
  const event = resource.topic?.coding?.[0]?.code ?? '';
  const text = resource.payload?.[0]?.contentString ?? '';
  return {
    id: resource.id ?? '',
    kind: resource.category?.[0]?.coding?.[0]?.code ?? '',
    event,
    title,
    text: text === title ? '' : text,
    to: pageOf(resource.about?.[0]?.reference, event, resource.subject?.reference?.replace(/^Patient\//, '')),
    sent: resource.sent ?? '',
    unread: of('unread')?.valueBoolean ?? false,
    urgent: resource.priority === 'urgent',
    times: of('times')?.valueInteger ?? 1,
    post: of('post')?.valueCode ?? '',
    handled: of('handled')?.valueInstant ?? '',
    handledBy: of('handled-by')?.valueString ?? '',
  };
}

const pageFrom = (page: Page<Communication>): MessagePage => ({
  messages: page.matches.map(messageOf),
  next: page.next,
});

export interface Shown {
  readonly kind: string;
  readonly which: string;
}

export async function readMessages(shown: Shown, language: string, next: string, signal: AbortSignal) {
  if (next) return pageFrom(await nextPage<Communication>(next, signal));
  return pageFrom(await search<Communication>('$messages', { ...shown, language, _count: 20 }, signal));
}

export async function readCounts(signal: AbortSignal): Promise<Record<string, number>> {
  const answer = await ask<Parameters>('$messages-counts', {}, signal);
  return Object.fromEntries((answer.parameter ?? []).map(({ name, valueInteger }) => [name, valueInteger ?? 0]));
}

const strings = (name: string, values: readonly string[]): Parameters => ({
  resourceType: 'Parameters',
  parameter: values.map((valueString) => ({ name, valueString })),
});

export const markRead = (ids: readonly string[]) => operate('$messages-read', strings('message', ids));
export const markHandled = (id: string) => operate('$message-handled', strings('message', [id]));

/** Sees what was sent outside: `dispatches` in the server's table of posts. */
export const dispatches = (person: Person): boolean => has(person, 'coordinator', 'office', 'admin');

export interface Delivery {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly channel: string;
  readonly to: string;
  /** Of nobody on the platform. */
  readonly outside: boolean;
  readonly address: string;
  readonly state: string;
  readonly attempts: number;
  readonly created: string;
  readonly changed: string;
  readonly nextTry: string;
  readonly error: string;
}

const partOf = (parts: readonly ParametersParameter[] | undefined, name: string): string => {
  const one = parts?.find((part) => part.name === name);
  return one?.valueString ?? one?.valueCode ?? one?.valueInstant ?? '';
};

export function deliveryOf(one: Parameters): Delivery {
  const of = (name: string) => partOf(one.parameter, name);
  return {
    id: of('id'),
    title: of('title'),
    text: of('text'),
    channel: of('channel'),
    to: of('to'),
    outside: one.parameter?.find((part) => part.name === 'outside')?.valueBoolean ?? false,
    address: of('address'),
    state: of('state'),
    attempts: one.parameter?.find((part) => part.name === 'attempts')?.valueInteger ?? 0,
    created: of('created'),
    changed: of('changed'),
    nextTry: of('next-try'),
    error: of('error'),
  };
}

export interface DeliveryPage {
  readonly deliveries: readonly Delivery[];
  readonly total: number;
  readonly next: string | undefined;
}

export async function readDeliveries(
  filters: { state: string; channel: string },
  language: string,
  next: string,
  signal: AbortSignal,
): Promise<DeliveryPage> {
  const path = next || address('$deliveries', { ...filters, language, _count: 50 });
  const bundle = await ask<Bundle>(path.replace(/^\/fhir\//, ''), {}, signal);
  const link = bundle.link?.find((one) => one.relation === 'next')?.url;
  return {
    deliveries: (bundle.entry ?? []).map((entry) => deliveryOf(entry.resource as Parameters)),
    total: bundle.total ?? 0,
    next: link ? new URL(link, location.origin).pathname + new URL(link, location.origin).search : undefined,
  };
}

/** Without a code: have one sent there. */
export async function verifyAddress(channel: string, code = ''): Promise<MessageSettings> {
  const parameter = [{ name: 'channel', valueString: channel }];
  if (code) parameter.push({ name: 'code', valueString: code });
  return settingsOf(await operate<Parameters>('$verify-address', { resourceType: 'Parameters', parameter }));
}

export const sendAgain = (id: string) => operate('$resend-delivery', strings('delivery', [id]));

export interface Choice {
  readonly kind: string;
  readonly channel: string;
  readonly wanted: boolean;
  readonly fixed: boolean;
}

export interface MessageSettings {
  readonly choices: readonly Choice[];
  readonly addresses: readonly Address[];
  /** "22:00-07:00" or "never". */
  readonly quiet: string;
  readonly quietIsOwn: boolean;
  /** "08:00", or "never": each message by itself. */
  readonly digest: string;
  readonly digestIsOwn: boolean;
}

export interface Address {
  readonly channel: string;
  /** The account gave it itself. */
  readonly own: boolean;
  readonly value: string;
  /** Until then nothing but a code is sent there. */
  readonly verified: boolean;
}

export function settingsOf(answer: Parameters): MessageSettings {
  const parts = answer.parameter ?? [];
  const flag = (one: ParametersParameter, name: string) =>
    one.part?.find((part) => part.name === name)?.valueBoolean ?? false;
  const quiet = parts.find((one) => one.name === 'quiet');
  const digest = parts.find((one) => one.name === 'digest');
  return {
    choices: parts
      .filter((one) => one.name === 'choice')
      .map((one) => ({
        kind: partOf(one.part, 'kind'),
        channel: partOf(one.part, 'channel'),
        wanted: flag(one, 'wanted'),
        fixed: flag(one, 'fixed'),
      })),
    addresses: parts
      .filter((one) => one.name === 'address')
      .map((one) => ({
        channel: partOf(one.part, 'channel'),
        own: flag(one, 'own'),
        value: partOf(one.part, 'value'),
        verified: flag(one, 'verified'),
      })),
    quiet: partOf(quiet?.part, 'hours'),
    quietIsOwn: quiet ? flag(quiet, 'own') : false,
    digest: partOf(digest?.part, 'at'),
    digestIsOwn: digest ? flag(digest, 'own') : false,
  };
}

export const readSettings = async (signal: AbortSignal): Promise<MessageSettings> =>
  settingsOf(await ask<Parameters>('$message-settings', {}, signal));

export const changeSettings = async (
  name: 'choice' | 'address' | 'quiet' | 'digest',
  value: string,
): Promise<MessageSettings> =>
  settingsOf(await operate<Parameters>('$change-message-settings', strings(name, [value])));
