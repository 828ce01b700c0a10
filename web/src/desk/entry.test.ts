import { describe, expect, test } from 'vitest';
import { entryOf } from './entry';
import { checkCharacter, readResidentId } from './residentId';

describe('what is typed into the field of the desk', () => {
  test.each([
    ['11010519491231002x', { kind: 'resident-id', number: '11010519491231002X' }],
    ['１１０１０５１９４９１２３１００２Ｘ', { kind: 'resident-id', number: '11010519491231002X' }],
    ['李秀英 19560312', { kind: 'person', name: '李秀英', birthDate: '1956-03-12' }],
    ['李秀英19560312', { kind: 'person', name: '李秀英', birthDate: '1956-03-12' }],
    ['欧阳建国 1949-11-2', { kind: 'person', name: '欧阳建国', birthDate: '1949-11-02' }],
    ['单雄 2024年5月1日', { kind: 'person', name: '单雄', birthDate: '2024-05-01' }],
    ['MZ2026000042', { kind: 'visit', number: 'MZ2026000042' }],
    ['mz2026000042', { kind: 'visit', number: 'MZ2026000042' }],
    ['E12345678', { kind: 'number', number: 'E12345678' }],
    ['51662110010100001', { kind: 'number', number: '51662110010100001' }],
    ['李秀英', { kind: 'short' }],
    ['李秀英 19561332', { kind: 'short' }],
    ['123', { kind: 'short' }],
    ['', { kind: 'short' }],
  ])('%s', (text, entry) => {
    expect(entryOf(text)).toEqual(entry);
  });

  test('a code of the health card is known by its length', () => {
    expect(entryOf(`${'56'.repeat(250)}\n`)).toEqual({ kind: 'card', code: '56'.repeat(250) });
  });
});

describe('身份证号', () => {
  test.each([
    ['11010519491231002X', { birthDate: '1949-12-31', gender: 'female' }],
    ['110105194912310021', 'check'],
    ['1101051949123100', 'length'],
    ['11010519491331002X', 'date'],
    ['11010530491231002X', 'date'],
    ['1101051949123100X2', 'form'],
  ])('%s', (number, told) => {
    expect(readResidentId(number, '2026-11-23')).toEqual(told);
  });

  test('every slip of one digit is seen', () => {
    const sound = '11010519491231002X';
    for (let place = 0; place < 17; place += 1) {
      const other = String((Number(sound[place]) + 3) % 10);
      const slipped = sound.slice(0, place) + other + sound.slice(place + 1);
      expect(checkCharacter(slipped)).not.toBe(slipped[17]);
    }
  });
});
