import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { recall, useKept } from './kept';

function Form({ name = 'a' }: { name?: string }) {
  const { value, setValue, keptAt, finish, restart } = useKept(name, () => 'from the record');
  return (
    <>
      <input aria-label="text" value={value} onChange={(event) => setValue(event.target.value)} />
      <output>{keptAt ? 'kept' : 'new'}</output>
      <button type="button" onClick={finish}>
        sent
      </button>
      <button type="button" onClick={() => restart('from the record')}>
        anew
      </button>
    </>
  );
}

const field = () => screen.getByLabelText<HTMLInputElement>('text');
const type = (text: string) => fireEvent.change(field(), { target: { value: text } });

test('what was typed is there again after a reload', () => {
  vi.useFakeTimers();
  render(<Form />);
  expect(screen.getByText('new')).toBeTruthy();
  type('typed');
  act(() => vi.advanceTimersByTime(400));
  expect(screen.getByText('kept')).toBeTruthy();
  cleanup();
  render(<Form />);
  expect(field().value).toBe('typed');
  vi.useRealTimers();
});

test('leaving in the middle of a word loses none of it', () => {
  render(<Form name="b" />);
  type('half a wo');
  cleanup();
  expect(recall('b')?.value).toBe('half a wo');
});

test('nothing is kept of what was only looked at, nor of what was sent', () => {
  render(<Form name="c" />);
  cleanup();
  expect(recall('c')).toBeNull();
  render(<Form name="c" />);
  type('sent soon');
  fireEvent.click(screen.getByText('sent'));
  cleanup();
  expect(recall('c')).toBeNull();
});

test('beginning anew throws away what was kept', () => {
  render(<Form name="d" />);
  type('wrong');
  cleanup();
  render(<Form name="d" />);
  fireEvent.click(screen.getByText('anew'));
  expect(field().value).toBe('from the record');
  cleanup();
  expect(recall('d')).toBeNull();
});
