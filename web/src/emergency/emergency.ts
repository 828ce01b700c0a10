import type { Parameters, ParametersParameter } from 'fhir/r4';
import { ask, operate } from '../client/client';

/** 紧急查阅 as the server does it (`http/operations/emergency.py`). */

export const CODES = ['life-threatening', 'unconscious', 'urgent-treatment', 'public-safety'] as const;
export type Code = (typeof CODES)[number];
export const SHORTEST_REASON = 10;
export const SHORTEST_COMMENT = 5;

export function breakGlass(id: string, code: Code, reason: string, sensitive: boolean): Promise<Parameters> {
  return operate(`Patient/${id}/$break-glass`, {
    resourceType: 'Parameters',
    parameter: [
      { name: 'reasonCode', valueCode: code },
      { name: 'reason', valueString: reason },
      { name: 'sensitive', valueBoolean: sensitive },
    ],
  });
}

export interface Running {
  until: string;
  sensitiveUntil: string;
}

export async function readRunning(id: string, signal: AbortSignal): Promise<Running | null> {
  const { parameter = [] } = await ask<Parameters>(`Patient/${id}/$emergency-access`, {}, signal);
  const until = named(parameter, 'until')?.valueInstant;
  return until ? { until, sensitiveUntil: named(parameter, 'sensitiveUntil')?.valueInstant ?? '' } : null;
}

export type State = 'open' | 'justified' | 'unjustified';
export const STATES: readonly State[] = ['open', 'justified', 'unjustified'];

export interface Access {
  task: string;
  patient: string;
  opener: string;
  code: string;
  reason: string;
  sensitive: boolean;
  opened: string;
  until: string;
  reads: number;
  state: State;
  comment: string;
}

export interface AccessPage {
  accesses: Access[];
  total: number;
  next: string | undefined;
}

export async function readAccesses(
  state: string,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<AccessPage> {
  const answer = await ask<Parameters>('Task/$emergency-worklist', { state, _count: 50, _cursor: cursor }, signal);
  const parameter = answer.parameter ?? [];
  return {
    accesses: parameter.filter(({ name }) => name === 'access').map((one) => access(one.part ?? [])),
    total: named(parameter, 'total')?.valueInteger ?? 0,
    next: named(parameter, 'next')?.valueString,
  };
}

export function review(task: string, verdict: State, comment: string): Promise<Parameters> {
  return operate(`${task}/$emergency-review`, {
    resourceType: 'Parameters',
    parameter: [
      { name: 'verdict', valueCode: verdict },
      { name: 'comment', valueString: comment },
    ],
  });
}

const named = (parts: readonly ParametersParameter[], name: string) => parts.find((one) => one.name === name);

function access(parts: readonly ParametersParameter[]): Access {
  const text = (name: string) => named(parts, name)?.valueString ?? '';
  return {
    task: named(parts, 'task')?.valueReference?.reference ?? '',
    patient: named(parts, 'patient')?.valueReference?.display ?? '',
    opener: text('opener'),
    code: named(parts, 'reasonCode')?.valueCoding?.code ?? '',
    reason: text('reason'),
    sensitive: named(parts, 'sensitive')?.valueBoolean ?? false,
    opened: named(parts, 'opened')?.valueInstant ?? '',
    until: named(parts, 'until')?.valueInstant ?? '',
    reads: named(parts, 'reads')?.valueInteger ?? 0,
    state: (named(parts, 'state')?.valueCode ?? 'open') as State,
    comment: text('comment'),
  };
}
