import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { App, Button, Dropdown, Input, Modal, Select, Table, Tag } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';
import { usePerson } from '../access/person';
import { whatHappened } from '../client/problem';
import { dateTime, day } from '../fhir/dates';
import { type Key, type Translate, useLocale } from '../locale/locale';
import { Failure } from '../page/Failure';
import { Nothing } from '../page/Nothing';
import { useReading } from '../page/reading';
import { AccountForm } from './AccountForm';
import styles from './accounts.module.css';
import { callSignedIn, type Givable, type ManagedAccount } from './calls';
import { StaffList } from './StaffList';

const LIST = ['accounts'];
const STATES = ['all', 'active', 'disabled', 'locked', 'unused'] as const;

interface Page {
  accounts: ManagedAccount[];
  after: string;
}

type Open = { kind: 'form'; account: ManagedAccount | null } | { kind: 'list' } | null;

/** 账号管理: the accounts of the institution, for its administrator. */
export default function AccountsPage() {
  const { t } = useLocale();
  const queries = useQueryClient();
  const [text, setText] = useState('');
  const [state, setState] = useState<(typeof STATES)[number]>('all');
  const [open, setOpen] = useState<Open>(null);
  const [given, setGiven] = useState<{ account: ManagedAccount; password: string } | null>(null);
  const givable = useReading(['accounts-roles'], (signal) =>
    callSignedIn<Givable>('accounts/-/roles', { token: true, signal }),
  );
  const { data, error, isPending, hasNextPage, fetchNextPage, isFetchingNextPage, refetch } = useInfiniteQuery({
    queryKey: [...LIST, text, state],
    queryFn: ({ pageParam, signal }) =>
      callSignedIn<Page>(`accounts?${new URLSearchParams({ text, state, after: pageParam })}`, { token: true, signal }),
    initialPageParam: '',
    getNextPageParam: (page: Page) => page.after || undefined,
  });
  const rows = data?.pages.flatMap((page) => page.accounts) ?? [];
  const again = () => void queries.invalidateQueries({ queryKey: LIST });

  return (
    <div className={styles.page}>
      <h1>{t('account.manage')}</h1>
      <div className={styles.tools}>
        <Input.Search
          allowClear
          placeholder={t('manage.search')}
          aria-label={t('manage.search')}
          onSearch={(typed) => setText(typed.trim())}
        />
        <Select
          aria-label={t('manage.column.state')}
          value={state}
          onChange={setState}
          popupMatchSelectWidth={false}
          options={STATES.map((one) => ({ value: one, label: t(`manage.state.${one}`) }))}
        />
        <Button className={styles.end ?? ''} onClick={() => setOpen({ kind: 'list' })}>
          {t('manage.import')}
        </Button>
        <Button type="primary" onClick={() => setOpen({ kind: 'form', account: null })}>
          {t('manage.new')}
        </Button>
      </div>
      {error ? (
        <Failure error={error} what={t('account.manage')} onRetry={() => void refetch()} />
      ) : (
        <Table<ManagedAccount>
          size="small"
          rowKey="name"
          loading={isPending}
          dataSource={rows}
          pagination={false}
          scroll={{ x: 'max-content' }}
          locale={{ emptyText: <Nothing title={t('manage.none')} how={t('manage.none.how')} /> }}
          columns={[
            { title: t('manage.column.name'), dataIndex: 'name' },
            { title: t('manage.column.display'), dataIndex: 'display' },
            { title: t('manage.column.posts'), render: (_, one) => <Posts account={one} /> },
            {
              title: t('manage.column.factor'),
              render: (_, one) => t(one.secondFactor ? 'manage.factor.yes' : 'manage.factor.no'),
            },
            {
              title: t('manage.column.signed-in'),
              render: (_, one) => (one.signedIn ? dateTime(one.signedIn) : t('manage.never')),
            },
            { title: t('manage.column.state'), render: (_, one) => <State account={one} /> },
            {
              title: t('manage.column.do'),
              render: (_, one) => (
                <Acts
                  account={one}
                  onPosts={() => setOpen({ kind: 'form', account: one })}
                  onGiven={(password) => setGiven({ account: one, password })}
                  onDone={again}
                />
              ),
            },
          ]}
        />
      )}
      {hasNextPage && (
        <Button loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {t('manage.more')}
        </Button>
      )}
      {open?.kind === 'form' && givable.state === 'here' && (
        <AccountForm
          account={open.account}
          givable={givable.value}
          onClose={() => setOpen(null)}
          onDone={(made) => {
            setOpen(null);
            if (made) setGiven(made);
            again();
          }}
        />
      )}
      {open?.kind === 'list' && <StaffList onClose={() => setOpen(null)} onTaken={again} />}
      {given && (
        <Modal
          open
          title={t('manage.given.title')}
          onCancel={() => setGiven(null)}
          footer={<Button onClick={() => setGiven(null)}>{t('do.close')}</Button>}
        >
          <p>{t('manage.given', { name: given.account.name, display: given.account.display })}</p>
          <code className={styles.given}>{given.password}</code>
        </Modal>
      )}
    </div>
  );
}

export const postName = (role: string, t: Translate): string => t(`post.${role}` as Key);

function Posts({ account }: { account: ManagedAccount }) {
  const { t } = useLocale();
  return (
    <span className={styles.posts}>
      {account.posts.map((post) => (
        <Tag key={`${post.role} ${post.institution}`}>
          {[postName(post.role, t), post.institutionName].filter(Boolean).join(' · ')}
        </Tag>
      ))}
    </span>
  );
}

function State({ account }: { account: ManagedAccount }) {
  const { t } = useLocale();
  const over = account.until !== null && Date.parse(account.until) <= Date.now();
  if (account.disabled) return <Tag>{t('manage.is.disabled')}</Tag>;
  if (over) return <Tag>{t('manage.is.over')}</Tag>;
  if (account.lockedUntil)
    return <Tag color="error">{t('manage.is.locked', { date: dateTime(account.lockedUntil) })}</Tag>;
  return (
    <>
      {account.mustChange ? (
        <Tag color="warning">{t('manage.is.new')}</Tag>
      ) : (
        <Tag color="success">{t('manage.is.active')}</Tag>
      )}
      {account.until && <span className={styles.quiet}> {day(account.until)}</span>}
    </>
  );
}

interface ActsProps {
  account: ManagedAccount;
  onPosts: () => void;
  onGiven: (password: string) => void;
  onDone: () => void;
}

const ASKED = { disable: true, password: true, 'second-factor': true, 'sign-out': true, enable: false } as const;
type Act = keyof typeof ASKED;
const SURE: Record<Act, Key> = {
  disable: 'manage.disable.sure',
  password: 'manage.reset.sure',
  'second-factor': 'manage.reset-factor.sure',
  'sign-out': 'manage.sign-out.sure',
  enable: 'manage.enable',
};

/** What may be done to one account; nothing where it is not ours to look after. */
function Acts({ account, onPosts, onGiven, onDone }: ActsProps) {
  const { t, lang } = useLocale();
  const { message, modal } = App.useApp();
  const person = usePerson();
  const who = { name: account.name, display: account.display };

  async function act(what: Act) {
    if (ASKED[what] && !(await modal.confirm({ title: t(SURE[what], who), cancelText: t('do.cancel') }))) return;
    try {
      const done = await callSignedIn<{ password?: string }>(`accounts/${encodeURIComponent(account.name)}/${what}`, {
        token: true,
        body: {},
      });
      if (done.password) onGiven(done.password);
      else void message.success(t('manage.done'));
      onDone();
    } catch (error) {
      void message.error(whatHappened(error, t, lang));
    }
  }

  if (account.name === person.sub) return <Link to="/account">{t('manage.own')}</Link>;
  if (!account.whole) return <span className={styles.quiet}>{t('manage.elsewhere')}</span>;
  const off = account.disabled !== null;
  const items = [
    { key: 'password', label: t('manage.reset') },
    ...(account.secondFactor ? [{ key: 'second-factor', label: t('manage.reset-factor') }] : []),
    { key: 'sign-out', label: t('manage.sign-out') },
    off ? { key: 'enable', label: t('manage.enable') } : { key: 'disable', label: t('manage.disable'), danger: true },
    ...(account.lockedUntil && !off ? [{ key: 'enable', label: t('manage.unlock') }] : []),
  ];
  return (
    <span className={styles.row}>
      <Button size="small" onClick={onPosts}>
        {t('manage.posts')}
      </Button>
      <Dropdown trigger={['click']} menu={{ items, onClick: ({ key }) => void act(key as Act) }}>
        <Button size="small" aria-label={`${t('do.more')} ${account.name}`}>
          {t('do.more')}
        </Button>
      </Dropdown>
    </span>
  );
}
