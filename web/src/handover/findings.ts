import type { Parameters, ParametersParameter } from 'fhir/r4';

/** What `$suspicions` answers, as rows. Pure. */
export interface Finding {
  /** "DetectedIssue/…". */
  issue: string;
  ruleName: string;
  why: string;
  number: string;
  /** Id of the referral's Task, "" where this office may not see the referral. */
  task: string;
  sender: string;
  receiver: string;
  found: string;
  note: string;
  decidedBy: string;
  decided: string;
}

export function findingsOf(parameters: Parameters): { total: number; findings: Finding[] } {
  const parts = parameters.parameter ?? [];
  return {
    total: parts.find(({ name }) => name === 'total')?.valueInteger ?? 0,
    findings: parts.filter(({ name }) => name === 'finding').map((one) => findingOf(one.part ?? [])),
  };
}

function findingOf(parts: ParametersParameter[]): Finding {
  const named = (name: string) => parts.find((part) => part.name === name);
  const text = (name: string) => named(name)?.valueString ?? named(name)?.valueInstant ?? '';
  return {
    issue: named('issue')?.valueReference?.reference ?? '',
    ruleName: text('ruleName'),
    why: text('why'),
    number: text('number'),
    task: (named('task')?.valueReference?.reference ?? '').replace('Task/', ''),
    sender: text('sender'),
    receiver: text('receiver'),
    found: text('found'),
    note: text('note'),
    decidedBy: text('decidedBy'),
    decided: text('decided'),
  };
}
