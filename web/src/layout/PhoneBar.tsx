import { MenuOutlined } from '@ant-design/icons';
import { Button, Drawer } from 'antd';
import { useState } from 'react';
import { NavLink } from 'react-router';
import { LanguageSwitch } from '../access/LanguageSwitch';
import { type Person, postKey, seesPatients } from '../access/person';
import { signOut } from '../access/session';
import { useLocale } from '../locale/locale';
import { useWorklistCounts } from '../referral';
import { useAppearance } from './appearance';
import { type Destination, destinations, recordAddress } from './destinations';
import styles from './layout.module.css';
import { Navigation } from './Navigation';

/** A resident's four places; who works here has the first of the own work and of the patients. */
function underTheThumb(person: Person, { work, patients }: ReturnType<typeof destinations>): Destination[] {
  const own = person.patient && !seesPatients(person) && ['/', recordAddress(person.patient), '/book', '/card'];
  const under = own
    ? own.map((to) => [...work, ...patients].find((one) => one.to === to))
    : [work[0], patients[0], patients[1], work[1]];
  return under.filter((one) => one !== undefined);
}

/** On a phone: the places most used under the thumb, the rest in a drawer. */
export function PhoneBar({ person }: { person: Person }) {
  const { t } = useLocale();
  const { dark, setDark } = useAppearance();
  const [open, setOpen] = useState(false);
  const counts = useWorklistCounts(person);
  const under = underTheThumb(person, destinations(person, t));
  return (
    <>
      <nav className={styles.phoneBar} aria-label={t('nav.main')}>
        {under.map((one) => {
          const count = one.list && counts.state === 'here' ? counts.value[one.list] : undefined;
          return (
            <NavLink
              key={one.to}
              to={one.to}
              end={one.to === '/'}
              className={({ isActive }) => (isActive ? (styles.active ?? '') : '')}
            >
              <span aria-hidden>{one.icon}</span>
              <span>
                {one.title}
                {count ? ` ${count}` : ''}
              </span>
            </NavLink>
          );
        })}
        <button type="button" onClick={() => setOpen(true)} aria-expanded={open}>
          <MenuOutlined aria-hidden />
          <span>{t('do.more')}</span>
        </button>
      </nav>
      <Drawer open={open} onClose={() => setOpen(false)} title={t('nav.menu')} placement="right" size={300}>
        <p className={styles.drawerWho}>
          <strong>{person.name}</strong>
          <br />
          {person.roles.map((post) => t(postKey(post))).join(t('list.separator'))}
          <br />
          {person.institution?.name}
        </p>
        <Navigation person={person} onGo={() => setOpen(false)} />
        <div className={styles.drawerFoot}>
          <LanguageSwitch />
          <Button type="text" onClick={() => setDark(!dark)}>
            {t(dark ? 'top.light' : 'top.dark')}
          </Button>
          <Button type="text" onClick={() => void signOut()}>
            {t('top.sign-out')}
          </Button>
        </div>
      </Drawer>
    </>
  );
}
