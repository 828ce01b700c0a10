import { BellOutlined } from '@ant-design/icons';
import { Badge, Button, Tooltip } from 'antd';
import { useNavigate } from 'react-router';
import { useLocale } from '../locale/locale';
import { useReading } from '../page/reading';
import { readCounts } from './message';

const LOOK_EVERY_MS = 60_000;
const MOST = 99;

/** Unread messages, looked up again when the page is called, and once a minute in any case. */
export function useUnread(): number {
  const counts = useReading(['messages-counts'], readCounts, { refetchInterval: LOOK_EVERY_MS });
  return counts.state === 'here' ? Object.values(counts.value).reduce((sum, one) => sum + one, 0) : 0;
}

/** The bell in the bar at the top. */
export function Bell() {
  const { t } = useLocale();
  const navigate = useNavigate();
  const unread = useUnread();
  const name = unread ? t('messages.bell', { n: unread > MOST ? `${MOST}+` : unread }) : t('messages.bell.none');
  return (
    <Tooltip title={name}>
      <Button
        type="text"
        aria-label={name}
        onClick={() => void navigate('/messages')}
        icon={
          <Badge count={unread} overflowCount={MOST} size="small" offset={[6, -2]}>
            <BellOutlined aria-hidden />
          </Badge>
        }
      />
    </Tooltip>
  );
}
