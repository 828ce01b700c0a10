import type { Task } from 'fhir/r4';
import { chinese, type Key } from '../locale/locale';

/** The code of a referral's state (`Task.businessStatus`) and its word in the one dictionary. */
const SYSTEM = 'https://yilian.example/fhir/CodeSystem/referral-state';

export function stateCode(task: Task): string {
  const codings = task.businessStatus?.coding ?? [];
  return (codings.find((coding) => coding.system === SYSTEM) ?? codings[0])?.code ?? 'unknown';
}

export function stateKey(code: string): Key {
  const key = `referral.state.${code}` as Key;
  return chinese(key) === undefined ? 'referral.state.unknown' : key;
}
