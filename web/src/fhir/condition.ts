import type { Condition } from 'fhir/r4';
import { clinicalCode, conceptText } from './concept';
import { day } from './dates';

/** One problem of a patient, though several institutions may have recorded it. */
export interface Problem {
  readonly id: string;
  readonly name: string;
  /** ICD-10, empty without one. */
  readonly code: string;
  readonly severity: string;
  /** When it began, by the earliest of its records; as precise as the record. */
  readonly since: string;
  /** How many records say so. */
  readonly records: number;
}

/** Records of the same diagnosis put together, in the order of the first of each. */
export function problemsOf(conditions: readonly Condition[]): Problem[] {
  const problems = new Map<string, Problem>();
  for (const condition of conditions) {
    const one = problemOf(condition);
    const key = `${one.code}|${one.name}`;
    const other = problems.get(key);
    problems.set(key, other ? together(other, one) : one);
  }
  return [...problems.values()];
}

function problemOf(condition: Condition): Problem {
  return {
    id: condition.id ?? '',
    name: conceptText(condition.code),
    code: clinicalCode(condition.code),
    severity: conceptText(condition.severity),
    since: day(condition.onsetDateTime ?? condition.onsetPeriod?.start ?? condition.recordedDate),
    records: 1,
  };
}

function together(one: Problem, other: Problem): Problem {
  const since = [one.since, other.since].filter(Boolean).sort()[0] ?? '';
  return { ...one, since, severity: one.severity || other.severity, records: one.records + 1 };
}
