import { describe, expect, test } from 'vitest';
import type { Person } from '../access/person';
import { conditionsFor } from './conditions';
import { enoughToAsk, searchesFor, sought } from './search';

describe('what was typed tells what is sought', () => {
  test.each([
    ['王小明', 'name'],
    ['wangxm', 'name'],
    ['Jacob King', 'name'],
    ['11010519491231002x', 'identifier'],
    ['110105 1949 1231 002X', 'identifier'],
    ['13800000001', 'phone'],
    ['138-0000-0001', 'phone'],
    ['53092110201000001', 'number'],
    ['0883', 'number'],
    ['MZ20261120000101', 'identifier'],
    ['Graham902', 'name'],
    ['  ', 'nothing'],
  ])('%s is a %s', (typed, form) => {
    expect(sought(typed).form).toBe(form);
  });

  test('full-width digits of a Chinese keyboard are digits', () => {
    expect(sought('\uff11\uff13\uff18\uff10\uff10\uff10\uff10\uff10\uff10\uff10\uff11')).toEqual({
      form: 'phone',
      text: '13800000001',
    });
  });

  test('digits are looked up as identifier and as phone', () => {
    expect(searchesFor('0883123')).toEqual([{ identifier: '0883123' }, { phone: '0883123' }]);
    expect(searchesFor('11010519491231002x')).toEqual([{ identifier: '11010519491231002X' }]);
  });

  test('several words are parts of a name, or its pinyin', () => {
    expect(searchesFor('Jacob  King')).toEqual([{ name: ['Jacob', 'King'] }, { name: 'JacobKing' }]);
    expect(searchesFor('王 小明')).toEqual([{ name: '王小明' }]);
  });

  test('one letter is not worth a question, one Han character is', () => {
    expect(enoughToAsk('w')).toBe(false);
    expect(enoughToAsk('wx')).toBe(true);
    expect(enoughToAsk('王')).toBe(true);
    expect(enoughToAsk('138')).toBe(false);
  });
});

describe('filters become search parameters', () => {
  const person: Person = {
    sub: 'gp',
    name: '李秀兰',
    roles: ['gp'],
    institution: { reference: 'Organization/qingshi', name: '青石镇卫生院' },
    agent: 'Practitioner/gp',
    patient: null,
  };
  const now = new Date('2026-11-22T16:30:00Z'); // already the 23rd here

  test('age groups by completed years on today', () => {
    expect(conditionsFor({ sex: '', age: 'old', whose: '' }, person, now)).toEqual({ birthdate: ['le1961-11-23'] });
    expect(conditionsFor({ sex: 'female', age: 'adult', whose: '' }, person, now)).toEqual({
      gender: 'female',
      birthdate: ['le2008-11-23', 'gt1961-11-23'],
    });
    expect(conditionsFor({ sex: '', age: 'child', whose: '' }, person, now)).toEqual({ birthdate: ['gt2019-11-23'] });
  });

  test('on 29 February the day before counts in years that have none', () => {
    expect(conditionsFor({ sex: '', age: 'old', whose: '' }, person, new Date('2028-02-29T02:00:00Z'))).toEqual({
      birthdate: ['le1963-02-28'],
    });
  });

  test('our patients and mine', () => {
    expect(conditionsFor({ sex: '', age: '', whose: 'ours' }, person, now)).toEqual({
      organization: 'Organization/qingshi',
    });
    expect(conditionsFor({ sex: '', age: '', whose: 'mine' }, person, now)).toEqual({
      'general-practitioner': 'Practitioner/gp',
    });
  });
});
