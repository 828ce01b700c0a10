import { fireEvent, screen } from '@testing-library/react';
import { useState } from 'react';
import { expect, test } from 'vitest';
import { show } from '../../testing/show';
import { REASONS } from '../codes/reasons';
import { EMPTY, type ReferForm } from './form';
import { WhyFields } from './WhyFields';

function Form() {
  const [form, setForm] = useState<ReferForm>({ ...EMPTY, direction: 'up' });
  return (
    <>
      <WhyFields
        form={form}
        set={(field, value) => setForm((old) => ({ ...old, [field]: value }))}
        change={setForm}
        fault={() => undefined}
        diagnoses={[]}
      />
      <output>{form.reasons.join(' ')}</output>
    </>
  );
}

const chosen = () => document.querySelector('output')?.textContent ?? '';
const press = (key: string, code: number) =>
  fireEvent.keyDown(screen.getByRole('combobox'), { key, keyCode: code, which: code });

test('Tab leaves the open list of reasons and keeps what was chosen', () => {
  show(<Form />);
  fireEvent.mouseDown(screen.getByRole('combobox'));
  press('Enter', 13);
  const first = chosen();
  expect(REASONS.up.map((one) => one.code)).toContain(first);
  expect(press('Tab', 9), 'the browser goes on to the next field').toBe(true);
  expect(chosen()).toBe(first);
});

test('Enter chooses and takes back', () => {
  show(<Form />);
  fireEvent.mouseDown(screen.getByRole('combobox'));
  press('Enter', 13);
  fireEvent.keyUp(screen.getByRole('combobox'), { key: 'Enter', keyCode: 13 });
  press('Enter', 13);
  expect(chosen()).toBe('');
});
