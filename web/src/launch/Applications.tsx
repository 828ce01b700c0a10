import { AppstoreOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { App, Button, Dropdown } from 'antd';
import { whatHappened } from '../client/problem';
import { useLocale } from '../locale/locale';
import { type Application, offered, opening } from './calls';

/** 应用: opens an application with this patient, in a window of its own. Nothing where the post may open none. */
export function Applications({ patient, about }: { patient: string; about?: string[] }) {
  const { t, lang } = useLocale();
  const { message } = App.useApp();
  const { data } = useQuery({
    queryKey: ['launches'],
    queryFn: ({ signal }) => offered(signal),
    staleTime: 300_000,
    retry: false,
  });

  async function open(one: Application) {
    // The window is opened by the press itself, or the browser would take it for one nobody asked for.
    const beside = window.open('about:blank', '_blank');
    if (!beside) return void message.warning(t('launch.blocked'));
    beside.opener = null;
    try {
      beside.location.replace(
        await opening({ client: one.id, patient: `Patient/${patient}`, ...(about ? { about } : {}) }),
      );
    } catch (error) {
      beside.close();
      message.error(whatHappened(error, t, lang));
    }
  }

  if (!data?.length) return null;
  return (
    <Dropdown
      trigger={['click']}
      menu={{ items: data.map((one) => ({ key: one.id, label: one.name, onClick: () => void open(one) })) }}
    >
      <Button icon={<AppstoreOutlined aria-hidden />} aria-label={t('launch.menu.for')} aria-haspopup="menu">
        {t('launch.menu')}
      </Button>
    </Dropdown>
  );
}
