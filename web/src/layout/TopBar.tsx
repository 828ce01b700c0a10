import { LogoutOutlined, MoonOutlined, SunOutlined } from '@ant-design/icons';
import { Button, Tooltip } from 'antd';
import { LanguageSwitch } from '../access/LanguageSwitch';
import { type Person, postKey, seesPatients } from '../access/person';
import { signOut } from '../access/session';
import { useLocale } from '../locale/locale';
import { Bell } from '../messages';
import { useAppearance } from './appearance';
import styles from './layout.module.css';
import { SearchBox } from './SearchBox';

export function TopBar({ person }: { person: Person }) {
  const { t } = useLocale();
  const { dark, setDark, phone } = useAppearance();
  const posts = person.roles.map((post) => t(postKey(post))).join(t('list.separator'));
  return (
    <header className={styles.top}>
      {seesPatients(person) ? <SearchBox /> : <strong className={styles.appName}>{t('app.name')}</strong>}
      {phone && <Bell />}
      {!phone && (
        <>
          <div className={styles.who}>
            <span className={styles.institution} title={person.institution?.name}>
              {person.institution?.name}
            </span>
            <span className={styles.post}>
              {posts} · {person.name}
            </span>
          </div>
          <Bell />
          <LanguageSwitch />
          <Tooltip title={t(dark ? 'top.light' : 'top.dark')}>
            <Button
              type="text"
              icon={dark ? <SunOutlined /> : <MoonOutlined />}
              aria-label={t(dark ? 'top.light' : 'top.dark')}
              onClick={() => setDark(!dark)}
            />
          </Tooltip>
          <Tooltip title={t('top.sign-out')}>
            <Button
              type="text"
              icon={<LogoutOutlined />}
              aria-label={t('top.sign-out')}
              onClick={() => void signOut()}
            />
          </Tooltip>
        </>
      )}
    </header>
  );
}
