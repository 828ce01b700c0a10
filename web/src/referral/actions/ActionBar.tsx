import { EditOutlined } from '@ant-design/icons';
import { Button, Space } from 'antd';
import type { ReactNode } from 'react';
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
  /** Ways on that are no action of this referral: go on writing, refer down, send anew. First when nothing else is primary. */
  ways: ReactNode;
  /** Printing, at the left. */
  tools?: ReactNode;
}

/** At the bottom, always in view: what the server allows this person now, the likeliest first, the dangerous apart. */
export function ActionBar({ actions, busy, onOpen, onDo, ways, tools }: ActionBarProps) {
  const { t } = useLocale();
  const calm = actions.filter((action) => !action.danger);
  const danger = actions.filter((action) => action.danger);
  return (
    <section className={styles.bar} aria-label={t('act.bar')}>
      <span className={styles.tools}>{tools}</span>
      {danger.length > 0 && (
        <span className={styles.apart}>
          {danger.map((action) => (
            <ActButton key={action.code} action={action} busy={busy} onOpen={onOpen} onDo={onDo} />
          ))}
        </span>
      )}
      <span className={styles.calm}>
        {[...calm].reverse().map((action) => (
          <ActButton key={action.code} action={action} busy={busy} onOpen={onOpen} onDo={onDo} />
        ))}
        {ways}
      </span>
    </section>
  );
}

type ActButtonProps = Pick<ActionBarProps, 'busy' | 'onOpen' | 'onDo'> & { action: LegalAction };

function ActButton({ action, busy, onOpen, onDo }: ActButtonProps) {
  const { t, lang } = useLocale();
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
      {action.optional.includes('note') && (
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
