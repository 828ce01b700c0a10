import { expect, test } from 'vitest';
import { sameness } from './sameness';

test.each([
  ['number', '11010519491231002X', '**************002X', 'same'],
  ['number', '11010519491231002X', '**************0021', 'differs'],
  ['number', '', '**************0021', 'unknown'],
  ['phone', '16900123456', '169****3456', 'same'],
  ['phone', '16900123456', '169****3457', 'differs'],
  ['name', '李秀英', '李秀英', 'same'],
  ['name', '李秀英', '李秀瑛', 'differs'],
  ['address', '四川省云溪市云溪县柳河镇1号', '四川省云溪市云溪县', 'same'],
  ['address', '四川省云溪市云溪县', '四川省云溪市青石县', 'differs'],
  ['birthDate', '1956-03-12', '', 'unknown'],
] as const)('%s: %s and %s are %s', (field, typed, there, told) => {
  expect(sameness(field, typed, there)).toBe(told);
});
