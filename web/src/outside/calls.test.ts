import { describe, expect, it } from 'vitest';
import { FIELDS, lacking, secretOf } from './calls';
import { linkOf, windowOf } from './outside';
import { outsideWords as en } from './words.en';
import { outsideWords as zh } from './words.zh';

describe('the page outside', () => {
  it('takes for a link what is one and nothing else', () => {
    expect(secretOf(`#${'a1'.repeat(32)}`)).toBe('a1'.repeat(32));
    for (const hash of ['', '#', '#abc', `#${'A1'.repeat(32)}`, `#${'a1'.repeat(32)}?x`])
      expect(secretOf(hash)).toBe('');
  });

  it('knows what is lacking of a step', () => {
    expect(lacking('complete', { diagnosis: '肺炎', treatment: ' ' })).toEqual(['treatment', 'advice']);
    expect(lacking('receive', {})).toEqual([]);
  });

  it('has a word for each step and each of its fields', () => {
    for (const [step, fields] of Object.entries(FIELDS))
      for (const key of [`outside.step.${step}`, ...fields.map((one) => `outside.field.${one.name}`)]) {
        expect(zh).toHaveProperty([key]);
        expect(en).toHaveProperty([key]);
      }
  });

  it('reads how a link stands, and where a window is reached', () => {
    const link = linkOf({
      resourceType: 'Parameters',
      parameter: [
        { name: 'state', valueCode: 'alive' },
        {
          name: 'letter',
          part: [
            { name: 'what', valueCode: 'link' },
            { name: 'state', valueCode: 'sent' },
          ],
        },
        { name: 'may-tell', valueBoolean: true },
      ],
    });
    expect(link.state).toBe('alive');
    expect(link.letters).toEqual([{ what: 'link', to: '', state: 'sent' }]);
    expect([link.mayTell, link.maySend]).toEqual([true, false]);
    expect(windowOf({ resourceType: 'Parameters' })).toEqual({ outside: false, email: '', sms: '' });
  });
});
