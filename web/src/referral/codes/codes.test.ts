import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { chinese, type Key } from '../../locale/locale';
import { isWord, stepKey } from '../known';
import { stateKey } from '../state';
import { DECLINE_REASONS, DOWN_REASONS, UP_REASONS } from './reasons';
import { matches } from './search';
import { SPECIALTIES } from './specialties';

/** The server's tables, read as text: what it knows and what the pages offer must be the same. */
const server = (file: string) => readFileSync(`../src/yilian/${file}`, 'utf8');
const halfWidth = (text: string) =>
  text.replaceAll('，', ',').replaceAll('（', '(').replaceAll('）', ')').replaceAll('；', ';');

function table(text: string, name: string): Map<string, string> {
  const body = new RegExp(`^${name}[^=]*= \\{\\n([\\s\\S]*?)^\\}`, 'm').exec(text)?.[1] ?? '';
  return new Map([...body.matchAll(/^ {4}"([^"]+)": \(?"([^"]+)"/gm)].map((row) => [row[1] ?? '', row[2] ?? '']));
}

describe('the pages offer what the server knows', () => {
  const codes = server('referral/codes.py');

  test.each([
    ['UP_REASONS', UP_REASONS, 9],
    ['DOWN_REASONS', DOWN_REASONS, 7],
    ['DECLINE_REASONS', DECLINE_REASONS, 9],
  ] as const)('%s', (name, ours, many) => {
    expect(ours).toHaveLength(many);
    expect(new Map(ours.map((one) => [one.code, halfWidth(one.zh)]))).toEqual(table(codes, name));
  });

  test('诊疗科目, called without the 专业 of the register', () => {
    const theirs = table(server('directory/specialties.py'), 'SPECIALTIES');
    expect(new Map(SPECIALTIES.map((one) => [one.code, one.zh]))).toEqual(
      new Map([...theirs].map(([code, name]) => [code, name.replace(/专业$/, '')])),
    );
  });

  test.each([
    ['PRIORITIES', 'referral.urgency'],
    ['CONSENT_WAYS', 'referral.consent'],
    ['DIRECTIONS', 'referral.direction'],
  ])('%s are said in the same words', (name, prefix) => {
    for (const [code, zh] of table(codes, name)) expect(halfWidth(chinese(`${prefix}.${code}` as Key))).toBe(zh);
  });

  test('states and actions are said in the same words on page and paper', () => {
    const states = server('referral/states.py');
    const said = [...states.matchAll(/State\("([^"]+)", "([^"]+)"/g)];
    expect(said.length).toBe(17);
    for (const [, code, zh] of said) expect(chinese(`referral.state.${code}` as Key)).toBe(zh);
    const actions = table(states, 'ACTIONS');
    expect(actions.get('accept')).toBe('同意接诊');
    // Booking has its words on the server already and no pages yet.
    for (const [code, zh] of actions) {
      const key = `referral.action.${code}`;
      if (isWord(key)) expect(chinese(key)).toBe(zh);
    }
    expect(stepKey('unheard-of')).toBe('thread.road.step');
    expect(stateKey('unheard-of')).toBe('referral.state.unknown');
  });
});

describe('a code is found by 中文, pinyin, initials and English', () => {
  const cardiology = SPECIALTIES.find((one) => one.code === '03.04');
  test.each(['心血管', 'xxg', 'xinxueguan', 'xin xue', 'Cardio', '03.04', ' xxgnk ', 'ｘｘｇ'])('%s', (typed) => {
    expect(cardiology && matches(cardiology, typed)).toBe(true);
  });
  test.each(['神经', 'sjnk', 'inxue'])('not by %s', (typed) => {
    expect(cardiology && matches(cardiology, typed)).toBe(false);
  });
  test('pinyin may begin at any syllable', () => {
    const reason = UP_REASONS.find((one) => one.code === 'needs-higher-test');
    expect(reason && matches(reason, 'jinyibujiancha')).toBe(true);
  });
});
