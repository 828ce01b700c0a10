import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { App, ConfigProvider } from 'antd';
import zhCN from 'antd/es/locale/zh_CN';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { RouterProvider } from 'react-router';
import './base.css';
import { isConnectionLost, onConnectionChange } from './client/connection';
import { AppearanceProvider, useAppearance } from './layout/appearance';
import { LocaleProvider, useLocale } from './locale/locale';
import { nonce } from './nonce';
import { router } from './routes';
import { themeFor } from './theme';

/** Wires everything; nothing else does. */

const queries = new QueryClient({
  defaultOptions: {
    // The client itself tries reads again; a second layer would only make people wait. Patients' data is not kept longer than needed.
    queries: {
      retry: false,
      staleTime: 30_000,
      gcTime: 5 * 60_000,
      refetchOnWindowFocus: false,
      networkMode: 'always',
    },
    mutations: { retry: false, networkMode: 'always' },
  },
});

// What failed for want of a connection is asked again when it is back.
onConnectionChange(() => {
  if (!isConnectionLost())
    void queries.refetchQueries({ type: 'active', predicate: (query) => query.state.status === 'error' });
});

function Themed() {
  const { dark, phone, still } = useAppearance();
  const { lang } = useLocale();
  const csp = nonce ? { csp: { nonce } } : {};
  // Without a locale Ant speaks English.
  const words = lang === 'zh' ? { locale: zhCN } : {};
  return (
    <ConfigProvider theme={themeFor({ dark, phone, still })} button={{ autoInsertSpace: false }} {...words} {...csp}>
      <App component={false}>
        <RouterProvider router={router} />
      </App>
    </ConfigProvider>
  );
}

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <LocaleProvider>
        <AppearanceProvider>
          <QueryClientProvider client={queries}>
            <Themed />
          </QueryClientProvider>
        </AppearanceProvider>
      </LocaleProvider>
    </StrictMode>,
  );
}
