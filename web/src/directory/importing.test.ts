import { expect, test } from 'vitest';
import { base64Of, rowsOf } from './importing';

test('a report is read row by row', () => {
  const told = rowsOf({
    resourceType: 'Parameters',
    parameter: [
      { name: 'kept', valueBoolean: false },
      {
        name: 'row',
        part: [
          { name: 'kind', valueCode: 'people' },
          { name: 'number', valuePositiveInt: 3 },
          { name: 'outcome', valueCode: 'refused' },
          { name: 'name', valueString: '周明' },
          { name: 'zh', valueString: '没有机构代码' },
        ],
      },
    ],
  });
  expect(told).toEqual({
    kept: false,
    rows: [{ kind: 'people', number: 3, name: '周明', outcome: 'refused', why: { zh: '没有机构代码', en: '' } }],
  });
});

test('a large file keeps every byte', () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, place) => place % 256);
  const back = Uint8Array.from(atob(base64Of(bytes.buffer)), (letter) => letter.charCodeAt(0));
  expect(back).toEqual(bytes);
});
