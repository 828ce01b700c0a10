import { fireEvent, screen } from '@testing-library/react';
import { ConfigProvider } from 'antd';
import { expect, test, vi } from 'vitest';
import { AppearanceProvider } from '../../layout/appearance';
import { show } from '../../testing/show';
import { ActionBar } from './ActionBar';
import type { LegalAction } from './legal';

const action = (code: string, display: string, more: Partial<LegalAction> = {}): LegalAction => ({
  code,
  display,
  primary: false,
  danger: false,
  requires: [],
  optional: [],
  oneOf: [],
  ...more,
});
const ACTIONS = [
  action('accept', '同意接诊', { primary: true, optional: ['note'] }),
  action('receive', '签收', { optional: ['note'] }),
  action('decline', '不予接收', { danger: true, requires: ['reason'] }),
];

function bar(actions: LegalAction[], busy = '') {
  const onOpen = vi.fn();
  const onDo = vi.fn();
  show(
    <ConfigProvider button={{ autoInsertSpace: false }}>
      <AppearanceProvider>
        <ActionBar actions={actions} busy={busy} onOpen={onOpen} onDo={onDo} ways={null} />
      </AppearanceProvider>
    </ConfigProvider>,
  );
  return { onOpen, onDo };
}
const names = () =>
  screen.getAllByRole('button').map((button) => button.textContent || button.getAttribute('aria-label'));

test('the actions the server allows are drawn and no others, the primary one last, under the thumb', () => {
  bar(ACTIONS);
  expect(names()).toEqual(['不予接收', '签收', '附言后签收', '同意接诊']);
  expect(document.querySelectorAll('.ant-btn-primary:not(.ant-btn-dangerous)')).toHaveLength(1);
});

test('what is harmless is done at once, the rest asks first', () => {
  const { onOpen, onDo } = bar(ACTIONS);
  fireEvent.click(screen.getByText('签收'));
  expect(onDo).toHaveBeenCalledWith(ACTIONS[1]);
  fireEvent.click(screen.getByText('不予接收'));
  fireEvent.click(screen.getByText('同意接诊'));
  expect(onOpen.mock.calls.map(([one]) => one.code)).toEqual(['decline', 'accept']);
});

test('while one step is under way no other can be taken', () => {
  bar(ACTIONS, 'receive');
  expect(screen.getByText('同意接诊').closest('button')?.disabled).toBe(true);
});

test('nobody’s turn: no button', () => {
  bar([]);
  expect(screen.queryAllByRole('button')).toEqual([]);
});
