import { EditOutlined, EllipsisOutlined } from '@ant-design/icons';
import { Button, Dropdown, Space } from 'antd';
import type { ReactNode } from 'react';
import { useAppearance } from '../../layout/appearance';
import { useLocale } from '../../locale/locale';
import styles from './actions.module.css';
import { isDoneAtOnce, type LegalAction } from './legal';
import { actionName } from './words';

interface ActionBarProps {
  actions: readonly LegalAction[];
  /** Code of the action under way. */
  busy: string;
  onOpen: (action: LegalAction) => void;
  onDo: (action: LegalAction) => void;
  /** Ways on that are no action of this referral: go on writing, refer down, send anew. */
  ways: ReactNode;
  /** Printing, at the left; on a phone it stands in the page. */
  tools?: ReactNode;
  /** Why the last step was not taken. */
  notice?: ReactNode;
}

/** On a phone so many stand under the thumb, the likeliest; the rest is behind one button. */
const UNDER_THE_THUMB = 2;

/** At the bottom, always in view: what the server allows this person now, the likeliest first, the dangerous apart. */
export function ActionBar({ actions, busy, onOpen, onDo, ways, tools, notice }: ActionBarProps) {
  const { t } = useLocale();
  const { phone } = useAppearance();
  const calm = actions.filter((action) => !action.danger);
  const danger = actions.filter((action) => action.danger);
  const shown = phone ? calm.slice(0, UNDER_THE_THUMB) : calm;
  const rest = phone ? [...calm.slice(UNDER_THE_THUMB), ...danger] : [];
  const buttons = (some: readonly LegalAction[]) =>
    some.map((action) => <ActButton key={action.code} action={action} busy={busy} onOpen={onOpen} onDo={onDo} />);
  return (
    <section className={styles.bar} aria-label={t('act.bar')} data-acts>
      {notice && <div className={styles.notice}>{notice}</div>}
      {!phone && <span className={styles.tools}>{tools}</span>}
      {rest.length > 0 && <Rest actions={rest} onOpen={onOpen} busy={busy} />}
      {!phone && danger.length > 0 && <span className={styles.apart}>{buttons(danger)}</span>}
      <span className={styles.calm}>
        {buttons([...shown].reverse())}
        {ways}
      </span>
    </section>
  );
}

/** Everything else that can be done, on a phone. Each opens its form, which says what follows and asks again. */
function Rest({ actions, busy, onOpen }: Pick<ActionBarProps, 'actions' | 'busy' | 'onOpen'>) {
  const { t, lang } = useLocale();
  return (
    <Dropdown
      trigger={['click']}
      placement="topLeft"
      disabled={busy !== ''}
      menu={{
        items: actions.map((action) => ({
          key: action.code,
          label: actionName(action, t, lang),
          danger: action.danger,
        })),
        onClick: ({ key }) => {
          const chosen = actions.find((action) => action.code === key);
          if (chosen) onOpen(chosen);
        },
      }}
    >
      <Button icon={<EllipsisOutlined aria-hidden />}>{t('do.more')}</Button>
    </Dropdown>
  );
}

type ActButtonProps = Pick<ActionBarProps, 'busy' | 'onOpen' | 'onDo'> & { action: LegalAction };

function ActButton({ action, busy, onOpen, onDo }: ActButtonProps) {
  const { t, lang } = useLocale();
  const { phone } = useAppearance();
  const name = actionName(action, t, lang);
  const type = action.primary ? 'primary' : 'default';
  const shared = {
    loading: busy === action.code,
    disabled: busy !== '' && busy !== action.code,
    danger: action.danger,
  };
  if (!isDoneAtOnce(action)) {
    return (
      <Button type={type} {...shared} onClick={() => onOpen(action)} data-action={action.code}>
        {name}
      </Button>
    );
  }
  return (
    <Space.Compact>
      <Button type={type} {...shared} onClick={() => onDo(action)} data-action={action.code}>
        {name}
      </Button>
      {action.optional.includes('note') && (!phone || action.primary) && (
        <Button
          type={type}
          disabled={busy !== ''}
          icon={<EditOutlined />}
          aria-label={t('act.withNote', { action: name })}
          title={t('act.withNote', { action: name })}
          onClick={() => onOpen(action)}
        />
      )}
    </Space.Compact>
  );
}
