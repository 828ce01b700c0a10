import type { Patient } from 'fhir/r4';
import { describe, expect, test } from 'vitest';
import { chinese } from '../locale/locale';
import {
  addressText,
  ageOn,
  ageText,
  isDeceased,
  mainIdentifier,
  masked,
  nameText,
  patientAge,
  patientLine,
  phone,
} from './patient';

const resident: Patient = {
  resourceType: 'Patient',
  id: 'resident-0001',
  identifier: [
    { system: 'urn:oid:2.16.156.10011.1.2', value: '53092110201000001' },
    { system: 'urn:oid:2.16.156.10011.1.3', value: '11010519491231002X' },
  ],
  name: [{ use: 'official', text: '欧阳建国', family: '欧阳', given: ['建国'] }],
  gender: 'male',
  birthDate: '1949-12-31',
  telecom: [
    { system: 'phone', value: '0883-1234567', use: 'home' },
    { system: 'phone', value: '13800000001', use: 'mobile' },
  ],
  address: [{ state: '云南省', city: '云溪市', line: ['青石镇柳河村 12 号'] }],
};

describe('names', () => {
  test('a Chinese name has no space, family first', () => {
    expect(nameText({ family: '欧阳', given: ['建国'] })).toBe('欧阳建国');
  });
  test('a name from elsewhere keeps its order and title', () => {
    expect(nameText({ family: 'King', given: ['Jacob'], prefix: ['Mr.'] })).toBe('Mr. Jacob King');
  });
  test('no name is empty, not "undefined"', () => {
    expect(nameText(undefined)).toBe('');
    expect(nameText({})).toBe('');
  });
});

describe('ages', () => {
  const on = (birth: string, day: string) => ageText(ageOn(birth, day), chinese);
  test('are said as a ward says them', () => {
    expect(on('1949-12-31', '2026-11-22')).toBe('76 岁');
    expect(on('2023-08-22', '2026-11-22')).toBe('3 岁 3 个月');
    expect(on('2023-11-22', '2026-11-22')).toBe('3 岁');
    expect(on('2026-01-12', '2026-11-22')).toBe('10 个月 10 天');
    expect(on('2026-11-13', '2026-11-22')).toBe('9 天');
    expect(on('2026-11-22', '2026-11-22')).toBe('0 天');
  });
  test('a child born on the last of a long month ages without a gap', () => {
    expect(ageOn('2026-01-31', '2026-03-01')).toEqual({ years: 0, months: 1, days: 0 });
  });
  test('an unknown or future birth has no age', () => {
    expect(on('', '2026-11-22')).toBe('年龄不详');
    expect(on('2027-01-01', '2026-11-22')).toBe('年龄不详');
  });
  test('stop at death', () => {
    const dead: Patient = { ...resident, birthDate: '1915-07-03', deceasedDateTime: '2004-08-11T03:00:00Z' };
    expect(patientAge(dead, new Date('2026-11-22T00:00:00Z'), chinese)).toBe('89 岁');
    expect(isDeceased(dead)).toBe(true);
    expect(isDeceased({ ...resident, deceasedBoolean: false })).toBe(false);
  });
});

describe('identifiers', () => {
  test('the resident id is the one a person is known by', () => {
    expect(mainIdentifier(resident)?.value).toBe('11010519491231002X');
    expect(
      mainIdentifier({
        resourceType: 'Patient',
        identifier: [{ value: 'A' }, { value: 'B', type: { coding: [{ code: 'MR' }] } }],
      })?.value,
    ).toBe('B');
    expect(mainIdentifier({ resourceType: 'Patient' })).toBeUndefined();
  });
  test('are masked so that two people can be told apart and neither used', () => {
    expect(masked('11010519491231002X')).toBe('110***********002X');
    expect(masked('12345')).toBe('***45');
    expect(masked('2d526118-fb1d-44c0-9b0b-b8f6d4f2b4fb')).not.toContain('44c0');
    expect(masked(undefined)).toBe('');
  });
});

test('the mobile phone comes before the one at home', () => {
  expect(phone(resident)).toBe('13800000001');
});

test('an address reads from large to small in Chinese', () => {
  expect(addressText(resident, 'zh')).toBe('云南省云溪市青石镇柳河村 12 号');
  expect(addressText({ ...resident, address: [{ line: ['1 Main St'], city: 'Saugus', state: 'MA' }] }, 'en')).toBe(
    '1 Main St, Saugus, MA',
  );
});

test('a person in one line', () => {
  expect(patientLine(resident, new Date('2026-11-22T00:00:00Z'), chinese)).toBe(
    chinese('patient.line', { name: '欧阳建国', sex: '男', age: '76 岁' }),
  );
});
