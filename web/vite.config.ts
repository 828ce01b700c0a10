import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** The server a developer's page talks to; `YILIAN_SERVER` names another one. */
const target = process.env.YILIAN_SERVER ?? 'http://127.0.0.1:8080';

/** The Host stays the page's own, so that sign-in sees a page of its own origin. */
const server = { target, changeOrigin: false };

export default defineConfig({
  plugins: [react()],
  // The server puts a nonce of its own in its place with each answer (http/static.py).
  html: { cspNonce: '@yilian-nonce@' },
  server: {
    host: '127.0.0.1',
    port: 5173,
    proxy: {
      '/fhir': server,
      '/events': server,
      '/oauth2': server,
      '/healthz': server,
      '/.well-known': server,
      '^/outside/.+': server,
    },
  },
  build: {
    target: 'es2022',
    manifest: true,
    sourcemap: false,
    chunkSizeWarningLimit: 900,
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/testing/setup.ts'],
    restoreMocks: true,
  },
});
