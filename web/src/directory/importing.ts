import type { Parameters } from 'fhir/r4';
import type { Lang } from '../locale/locale';

/** What became of a list (`Organization/$import-directory`). */

export const KINDS = ['institutions', 'departments', 'people', 'equipment', 'services'] as const;
export type Outcome = 'created' | 'changed' | 'unchanged' | 'refused';

export interface Row {
  readonly kind: string;
  readonly number: number;
  readonly name: string;
  readonly outcome: Outcome;
  readonly why: Readonly<Record<Lang, string>>;
}

export function rowsOf(told: Parameters): { kept: boolean; rows: Row[] } {
  const parameters = told.parameter ?? [];
  return {
    kept: parameters.some((one) => one.name === 'kept' && one.valueBoolean === true),
    rows: parameters
      .filter((one) => one.name === 'row')
      .map(({ part = [] }) => {
        const text = (name: string) => part.find((one) => one.name === name)?.valueString ?? '';
        const code = (name: string) => part.find((one) => one.name === name)?.valueCode ?? '';
        return {
          kind: code('kind'),
          number: part.find((one) => one.name === 'number')?.valuePositiveInt ?? 0,
          name: text('name'),
          outcome: code('outcome') as Outcome,
          why: { zh: text('zh'), en: text('en') },
        };
      }),
  };
}

const AT_ONCE = 0x8000;

export function base64Of(content: ArrayBuffer): string {
  const bytes = new Uint8Array(content);
  let text = '';
  for (let from = 0; from < bytes.length; from += AT_ONCE) {
    text += String.fromCharCode(...bytes.subarray(from, from + AT_ONCE));
  }
  return btoa(text);
}
