import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import type { Patient } from 'fhir/r4';
import { expect, test, vi } from 'vitest';
import type { Page } from '../client/client';
import { Problem } from '../client/problem';
import { show } from '../testing/show';
import { ListPage } from './ListPage';
import type { Source } from './list';

const patient = (id: string): Patient => ({ resourceType: 'Patient', id, name: [{ text: `患者 ${id}` }] });
const page = (ids: string[], total?: number): Page<Patient> => ({
  matches: ids.map(patient),
  included: new Map(),
  total,
  next: undefined,
});

function list(first: Source<Patient>['first']) {
  return (
    <ListPage
      what="患者列表"
      source={{ key: ['test', Math.random()], first }}
      columns={[
        { key: 'name', title: '姓名', render: (row) => row.name?.[0]?.text },
        { key: 'id', title: '编号', render: (row) => row.id },
      ]}
      filters={[{ kind: 'text', name: 'q', label: '姓名' }]}
      linkOf={(row) => `/patients/${row.id ?? ''}`}
      empty={{ title: '没有患者', how: '建档后显示' }}
    />
  );
}

const key = (name: string) => fireEvent.keyDown(document.body, { key: name });

test('rows, a true count, and each row leads to its patient', async () => {
  show(list(() => Promise.resolve(page(['1', '2'], 523))));
  const rows = await screen.findAllByRole('row');
  expect(rows).toHaveLength(3);
  expect(screen.getByText('共 523 条')).toBeTruthy();
  expect(screen.getByText('已显示 2 / 523 条')).toBeTruthy();
  expect(screen.getByRole('link', { name: '患者 2' }).getAttribute('href')).toBe('/patients/2');
});

test('j and k move, Enter opens', async () => {
  const router = show(
    list(() => Promise.resolve(page(['1', '2', '3']))),
    '/keys',
  );
  await screen.findByText('患者 1');
  key('j');
  key('j');
  key('j');
  key('k');
  key('Enter');
  expect(router.state.location.pathname).toBe('/patients/2');
});

test('keys typed into a field stay in the field', async () => {
  const router = show(
    list(() => Promise.resolve(page(['1', '2']))),
    '/typing',
  );
  await screen.findByText('患者 1');
  const field = screen.getByLabelText('姓名');
  fireEvent.keyDown(field, { key: 'j' });
  key('Enter');
  expect(router.state.location.pathname).toBe('/typing');
});

test('a filter lives in the address', async () => {
  const router = show(
    list(() => Promise.resolve(page(['1']))),
    '/filters?q=王',
  );
  await screen.findByText('患者 1');
  const field = screen.getByLabelText('姓名') as HTMLInputElement;
  expect(field.value).toBe('王');
  fireEvent.change(field, { target: { value: '李' } });
  fireEvent.keyDown(field, { key: 'Enter' });
  await waitFor(() => expect(router.state.location.search).toBe(`?q=${encodeURIComponent('李')}`));
});

test('an empty list says what belongs there and how it gets there', async () => {
  show(list(() => Promise.resolve(page([]))));
  expect(await screen.findByText('没有患者')).toBeTruthy();
  expect(screen.getByText('建档后显示')).toBeTruthy();
});

test('a failure says what to do, gives the request number, and can be tried again', async () => {
  const problem = new Problem('busy', 503, [], 'abc123');
  const first = vi
    .fn<Source<Patient>['first']>()
    .mockRejectedValueOnce(problem)
    .mockResolvedValue(page(['1']));
  const source = { key: ['failing'], first };
  show(
    <ListPage
      what="患者列表"
      source={source}
      columns={[{ key: 'name', title: '姓名', render: (row) => row.name?.[0]?.text }]}
      linkOf={() => '/'}
      empty={{ title: '', how: '' }}
    />,
  );
  const alert = await screen.findByRole('alert');
  expect(alert.textContent).toContain('未能读取患者列表');
  expect(alert.textContent).toContain('abc123');
  fireEvent.click(within(alert).getByRole('button'));
  expect(await screen.findByText('患者 1')).toBeTruthy();
});
