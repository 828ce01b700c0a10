import { BankOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Button, Divider } from 'antd';
import { useState } from 'react';
import { whatHappened } from '../client/problem';
import { useLocale } from '../locale/locale';
import { goTo, providers } from './provider';

/** A button for each institution whose own accounts are good here; nothing where there is none. */
export function Providers({ query, onFault }: { query: string; onFault: (text: string) => void }) {
  const { t, lang } = useLocale();
  const [leaving, setLeaving] = useState('');
  const { data } = useQuery({
    queryKey: ['sign-in-providers'],
    queryFn: ({ signal }) => providers(signal),
    retry: false,
  });

  async function leave(id: string) {
    setLeaving(id);
    try {
      return await goTo(id, query);
    } catch (error) {
      onFault(whatHappened(error, t, lang));
    }
    setLeaving('');
  }

  if (!data?.providers?.length) return null;
  return (
    <>
      <Divider plain>{t('signin.provider.or')}</Divider>
      {data.providers.map((one) => (
        <Button
          key={one.id}
          size="large"
          block
          icon={<BankOutlined />}
          loading={leaving === one.id}
          onClick={() => void leave(one.id)}
        >
          {t('signin.provider', { name: one.name })}
        </Button>
      ))}
    </>
  );
}
