import { describe, expect, test } from 'vitest';
import { chinese } from '../locale/locale';
import { dashed, EMPTY, type Form, faultsOf, patientOf, startFrom, withNumber } from './form';

const DAY = '2026-11-23';
const whole: Form = { ...withNumber(EMPTY, '11010519491231002x', DAY), name: '李秀英' };

test('the number of the identity card fills birth date and sex', () => {
  expect(whole).toMatchObject({ birthDate: '1949-12-31', gender: 'female' });
  expect(faultsOf(whole, DAY, chinese)).toEqual({});
});

test('a date is typed in eight digits', () => {
  expect(dashed('19560312')).toBe('1956-03-12');
  expect(dashed('1956/03/12')).toBe('1956-03-12');
  expect(dashed('1956')).toBe('1956');
});

test('what was typed at the desk is not typed again', () => {
  expect(startFrom({ kind: 'person', name: '单雄', birthDate: '2024-05-01' }, DAY)).toMatchObject({ name: '单雄' });
  expect(startFrom({ kind: 'resident-id', number: '11010519491231002X' }, DAY).birthDate).toBe('1949-12-31');
});

describe('what is missing or contradicts itself is said at the field', () => {
  test.each<[string, Partial<Form>, (keyof Form)[]]>([
    ['nothing typed', { ...EMPTY }, ['name', 'gender', 'birthDate']],
    ['a slip in the number', { number: '11010519491231003X' }, ['number']],
    ['another birth date', { birthDate: '1950-12-31' }, ['birthDate']],
    ['another sex', { gender: 'male' }, ['gender']],
    ['no such day', { birthDate: '1949-02-30', number: '' }, ['birthDate']],
    ['a telephone in words', { phone: '没有' }, ['phone']],
    ['a newborn without its mother', { ...EMPTY, kind: 'newborn', gender: 'male', birthDate: DAY }, ['mother']],
    ['somebody unknown', { ...EMPTY, kind: 'unknown', gender: 'unknown' }, []],
  ])('%s', (_, change, fields) => {
    expect(Object.keys(faultsOf({ ...whole, ...change }, DAY, chinese)).sort()).toEqual([...fields].sort());
  });
});

describe('the Patient that is registered', () => {
  test('with a number', () => {
    expect(patientOf(whole, chinese)).toEqual({
      resourceType: 'Patient',
      active: true,
      identifier: [{ use: 'official', system: 'urn:oid:2.16.156.10011.1.3', value: '11010519491231002X' }],
      name: [{ use: 'official', text: '李秀英' }],
      gender: 'female',
      birthDate: '1949-12-31',
    });
  });

  test('a newborn is the child of its mother, without a number', () => {
    const made = patientOf({ ...whole, kind: 'newborn', mother: '王丽' }, chinese);
    expect(made.name).toEqual([{ use: 'temp', text: '王丽之女' }]);
    expect(made.contact?.[0]?.name?.text).toBe('王丽');
    expect(made.identifier).toBeUndefined();
  });

  test('somebody unknown is told by what was seen', () => {
    const made = patientOf({ ...EMPTY, kind: 'unknown', gender: 'male', mark: '约六十岁' }, chinese);
    expect(made.name?.[0]?.text).toBe('无名氏(约六十岁)');
  });
});
