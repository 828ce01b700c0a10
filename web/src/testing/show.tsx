import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { createMemoryRouter, RouterProvider } from 'react-router';
import { LocaleProvider } from '../locale/locale';

/** Shows a page at an address, with everything around it that `main.tsx` puts there. Returns the router, to see where one went. */
export function show(page: ReactNode, at = '/') {
  const router = createMemoryRouter([{ path: '*', element: page }], { initialEntries: [at] });
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <LocaleProvider>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </LocaleProvider>,
  );
  return router;
}
