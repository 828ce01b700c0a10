import { fireEvent, screen, waitFor } from '@testing-library/react';
import { beforeEach, expect, test, vi } from 'vitest';
import { show } from '../testing/show';
import { arrival } from './provider';
import SignIn from './SignIn';

let answer: () => Response | Promise<never>;
const sent = vi.fn();

beforeEach(() => {
  sent.mockClear();
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    sent(url, init.body);
    return Promise.resolve().then(() => answer());
  });
});

async function signIn(user: string, password: string) {
  show(<SignIn />, '/sign-in');
  fireEvent.change(screen.getByLabelText('用户名'), { target: { value: user } });
  fireEvent.change(screen.getByLabelText('密码'), { target: { value: password } });
  fireEvent.submit(screen.getByLabelText('密码'));
}

const refused =
  (status: number, zh?: string, headers: HeadersInit = {}) =>
  () =>
    new Response(
      JSON.stringify({
        resourceType: 'OperationOutcome',
        issue: [{ severity: 'error', code: 'login', diagnostics: 'no', ...(zh ? { details: { text: zh } } : {}) }],
      }),
      { status, headers },
    );

test('nothing is sent before there is a name and a password', async () => {
  await signIn('', '');
  expect((await screen.findByRole('alert')).textContent).toContain('请输入用户名');
  expect(sent).not.toHaveBeenCalledWith('/oauth2/sign-in', expect.anything());
});

test('a wrong password is said, the field emptied and ready', async () => {
  answer = refused(401);
  await signIn('gp', 'wrong');
  expect((await screen.findByRole('alert')).textContent).toContain('用户名或密码不正确');
  const field = screen.getByLabelText('密码') as HTMLInputElement;
  expect(field.value).toBe('');
  expect(document.activeElement).toBe(field);
  expect(sent).toHaveBeenCalledWith('/oauth2/sign-in', JSON.stringify({ user: 'gp', password: 'wrong' }));
});

test('a locked account says until when, in the words of the server', async () => {
  answer = refused(401, '账户已锁定到 2026-11-22 18:30');
  await signIn('gp', 'x');
  expect((await screen.findByRole('alert')).textContent).toContain('2026-11-22 18:30');
});

test('a server that asks to wait is understood', async () => {
  answer = refused(429, undefined, { 'Retry-After': '900' });
  await signIn('gp', 'x');
  expect((await screen.findByRole('alert')).textContent).toMatch(/请在 \d{4}-\d{2}-\d{2} \d{2}:\d{2} 后再试/);
});

test('an institution whose accounts are good here has a button, and what went wrong there is said in words of ours', async () => {
  answer = () => new Response(JSON.stringify({ providers: [{ id: 'hospital', name: '市第一医院' }] }));
  window.history.replaceState(null, '', '/sign-in?provider-said=not-linked&client_id=x');
  show(<SignIn />, '/sign-in');
  expect((await screen.findByRole('alert')).textContent).toContain('尚未关联');
  const button = await screen.findByRole('button', { name: /用市第一医院账号登录/ });
  answer = () => new Response(JSON.stringify({ location: '#there' }));
  fireEvent.click(button);
  await waitFor(() =>
    expect(sent).toHaveBeenCalledWith(
      '/oauth2/provider',
      JSON.stringify({ provider: 'hospital', next: 'client_id=x' }),
    ),
  );
  window.history.replaceState(null, '', '/sign-in?provider-said=%3Cb%3E');
  expect(arrival(window.location.search).said).toBeNull();
});

test('no connection is not called a wrong password', async () => {
  answer = () => Promise.reject(new TypeError('network'));
  await signIn('gp', 'x');
  await waitFor(() => expect(screen.getByRole('alert').textContent).toContain('连接不上服务器'));
});
