import { useEffect } from 'react';
import { useNavigate } from 'react-router';
import { keysAreTaken } from '../list/useRowKeys';

/** Keys that hold on every page: `/` goes to the nearest search field, `Esc` goes back. */
export function usePageKeys(): void {
  const navigate = useNavigate();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || keysAreTaken(event.target))
        return;
      if (event.key === '/') {
        const field =
          document.querySelector<HTMLInputElement>('input[data-slash="page"]') ??
          document.querySelector<HTMLInputElement>('input[data-slash="top"]');
        if (field) {
          event.preventDefault();
          field.focus();
          field.select();
        }
      }
      // `idx` is the router's count of steps within this site: at 0 there is nowhere of ours to go back to.
      if (event.key === 'Escape' && ((history.state as { idx?: number } | null)?.idx ?? 0) > 0) void navigate(-1);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [navigate]);
}
