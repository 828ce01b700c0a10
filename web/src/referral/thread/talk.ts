import { useQueryClient } from '@tanstack/react-query';
import type { Communication, DocumentReference, Parameters, Reference, Task } from 'fhir/r4';
import { useEffect } from 'react';
import { ask, create, operate } from '../../client/client';
import { useLive } from '../../client/live';
import { instant } from '../../fhir/dates';
import { type Reading, useReading } from '../../page/reading';
import { conversationOf, signature } from '../task';

const KINDS = ['question', 'answer', 'remark', 'file'] as const;
export type Kind = (typeof KINDS)[number];

/** What was said outside of any step: a Communication of the referral. */
export interface Spoken {
  readonly id: string;
  readonly kind: Kind;
  readonly text: string;
  readonly files: readonly Reference[];
  /** The question this answers, by id. */
  readonly answers: string;
}

/** One line of the conversation, from a step's note or said by itself. */
export interface TalkLine {
  readonly key: string;
  readonly who: string;
  readonly where: string;
  readonly author: string;
  readonly time: string;
  readonly text: string;
  /** The step it was written with; "" for what was said by itself. */
  readonly action: string;
  readonly inside: boolean;
  readonly spoken: Spoken | null;
}

export interface Talk {
  readonly unread: number;
  readonly maySay: boolean;
  readonly spoken: readonly Communication[];
}

const LOOK_EVERY_MS = 60_000;

export function spokenOf(one: Communication): Spoken {
  const code = one.category?.[0]?.coding?.[0]?.code;
  return {
    id: one.id ?? '',
    kind: KINDS.find((kind) => kind === code) ?? 'remark',
    text: one.payload?.find((part) => part.contentString)?.contentString ?? '',
    files: (one.payload ?? []).flatMap((part) => part.contentReference ?? []),
    answers: one.inResponseTo?.[0]?.reference?.replace(/^Communication\//, '') ?? '',
  };
}

/** Notes of steps and what was said by itself, oldest first. */
export function linesOf(task: Task, approvals: readonly Task[], spoken: readonly Communication[]): TalkLine[] {
  const notes = conversationOf(task, approvals).map((said) => ({ ...said, spoken: null }));
  const said = spoken.map((one) => ({
    key: one.id ?? '',
    ...signature(one.sender?.display),
    author: one.sender?.reference ?? '',
    time: one.sent ?? '',
    text: spokenOf(one).text,
    action: '',
    inside: false,
    spoken: spokenOf(one),
  }));
  return [...notes, ...said].sort((a, b) => instant(a.time) - instant(b.time));
}

/** Questions nobody has answered yet, by id. */
export function unanswered(lines: readonly TalkLine[]): Set<string> {
  const answered = new Set(lines.map((one) => one.spoken?.answers));
  return new Set(
    lines.flatMap(({ spoken }) => (spoken?.kind === 'question' && !answered.has(spoken.id) ? spoken.id : [])),
  );
}

const keyOf = (task: string) => ['referral', task, 'talk'];

async function readTalk(task: string, signal: AbortSignal): Promise<Talk> {
  const parts = (await ask<Parameters>(`Task/${task}/$conversation`, {}, signal)).parameter ?? [];
  return {
    unread: parts.find((one) => one.name === 'unread')?.valueInteger ?? 0,
    maySay: parts.find((one) => one.name === 'may-say')?.valueBoolean ?? false,
    spoken: parts.flatMap((one) => (one.name === 'line' && one.resource ? [one.resource as Communication] : [])),
  };
}

/** What is said on this referral, looked at again when something is. What is shown counts as read, once somebody looks at the page. */
export function useTalk(task: string): Reading<Talk> {
  const queries = useQueryClient();
  const reading = useReading(keyOf(task), (signal) => readTalk(task, signal), { refetchInterval: LOOK_EVERY_MS });
  useLive(['conversation'], () => void queries.invalidateQueries({ queryKey: keyOf(task) }));
  const newest = reading.state === 'here' && reading.value.unread > 0 ? reading.value.spoken.at(-1)?.id : undefined;
  useEffect(() => {
    if (!newest) return;
    const heard = () => {
      if (document.visibilityState === 'visible')
        void operate(`Task/${task}/$heard`, { resourceType: 'Parameters' }).catch(() => undefined);
    };
    heard();
    document.addEventListener('visibilitychange', heard);
    return () => document.removeEventListener('visibilitychange', heard);
  }, [newest, task]);
  return reading;
}

export interface Saying {
  readonly kind: Kind;
  readonly text: string;
  readonly answers: string;
  readonly files: readonly string[];
}

export async function say(task: string, { kind, text, answers, files }: Saying): Promise<void> {
  const values: [string, string][] = [['kind', kind], ...files.map((one): [string, string] => ['file', one])];
  if (text.trim()) values.push(['text', text.trim()]);
  if (answers) values.push(['answers', answers]);
  await operate(`Task/${task}/$say`, {
    resourceType: 'Parameters',
    parameter: values.map(([name, valueString]) => ({ name, valueString })),
  });
}

async function base64Of(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

/** Puts a file into the patient's record, so that it can go along: the server looks at its type and size, and has it scanned. */
export async function upload(patient: Reference, file: File): Promise<string> {
  const made = await create<DocumentReference>({
    resourceType: 'DocumentReference',
    status: 'current',
    description: file.name,
    subject: { ...(patient.reference ? { reference: patient.reference } : {}) },
    date: new Date().toISOString(),
    content: [
      {
        attachment: {
          contentType: file.type || 'application/octet-stream',
          title: file.name,
          data: await base64Of(file),
        },
      },
    ],
  });
  return `DocumentReference/${made.id ?? ''}`;
}
