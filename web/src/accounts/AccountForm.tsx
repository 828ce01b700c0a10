import { Button, Drawer, Input, Select } from 'antd';
import { useState } from 'react';
import { useLocale } from '../locale/locale';
import { postName } from './AccountsPage';
import styles from './accounts.module.css';
import { callSignedIn, type Givable, type GivenPost, type ManagedAccount } from './calls';
import { PlaceField } from './PlaceField';
import { Said } from './Said';

interface AccountFormProps {
  /** Null: a new one. */
  account: ManagedAccount | null;
  givable: Givable;
  onClose: () => void;
  onDone: (made: { account: ManagedAccount; password: string } | null) => void;
}

/** A new account, or the posts of one there is. */
export function AccountForm({ account, givable, onClose, onDone }: AccountFormProps) {
  const { t } = useLocale();
  const home = givable.places?.[0]?.reference ?? '';
  const [name, setName] = useState('');
  const [display, setDisplay] = useState('');
  const [posts, setPosts] = useState<GivenPost[]>(account ? account.posts : [{ role: '', institution: home }]);
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const change = (at: number, more: Partial<GivenPost>) =>
    setPosts(posts.map((post, nth) => (nth === at ? { ...post, ...more } : post)));

  async function save() {
    if ((!account && (!name.trim() || !display.trim())) || posts.some((post) => !post.role)) {
      return setFault('manage.form.missing');
    }
    setBusy(true);
    setFault(null);
    const given = posts.map(({ role, institution }) => ({ role, institution }));
    try {
      if (account) {
        await callSignedIn(`accounts/${encodeURIComponent(account.name)}/posts`, {
          token: true,
          body: { posts: given },
        });
        onDone(null);
      } else {
        const body = { name: name.trim(), display: display.trim(), posts: given };
        onDone(await callSignedIn<{ account: ManagedAccount; password: string }>('accounts', { token: true, body }));
      }
    } catch (error) {
      setFault(error);
      setBusy(false);
    }
  }

  return (
    <Drawer
      open
      size={560}
      title={account ? `${t('manage.posts')} · ${account.display}` : t('manage.new')}
      onClose={onClose}
      footer={
        <Button type="primary" loading={busy} onClick={() => void save()}>
          {t('manage.form.save')}
        </Button>
      }
    >
      <div className={styles.form}>
        <Said fault={fault} />
        {!account && (
          <>
            <label htmlFor="account-name">{t('manage.form.name')}</label>
            <Input
              id="account-name"
              autoFocus
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
            <p className={styles.quiet}>{t('manage.form.name.how')}</p>
            <label htmlFor="account-display">{t('manage.form.display')}</label>
            <Input
              id="account-display"
              autoComplete="off"
              value={display}
              onChange={(event) => setDisplay(event.target.value)}
            />
          </>
        )}
        <label htmlFor="post-0">{t('manage.form.role')}</label>
        {posts.map((post, nth) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a post has no name of its own while it is being chosen
          <div className={styles.post} key={nth}>
            <Select
              id={`post-${nth}`}
              aria-label={t('manage.form.role')}
              virtual={false}
              listHeight={400}
              value={post.role || null}
              placeholder={t('manage.form.role')}
              onChange={(role: string) => change(nth, { role })}
              options={givable.roles.map((one) => ({ value: one.code, label: postName(one.code, t) }))}
            />
            <PlaceField
              places={givable.places}
              value={post.institution}
              name={post.institutionName}
              onChange={(institution) => change(nth, { institution })}
            />
            <Button disabled={posts.length === 1} onClick={() => setPosts(posts.filter((_, at) => at !== nth))}>
              {t('manage.form.remove-post')}
            </Button>
          </div>
        ))}
        <Button onClick={() => setPosts([...posts, { role: '', institution: home }])}>
          {t('manage.form.add-post')}
        </Button>
      </div>
    </Drawer>
  );
}
