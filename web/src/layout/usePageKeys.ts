import { useEffect } from 'react';
import { useNavigate } from 'react-router';
import { keysAreTaken } from '../list/useRowKeys';

/** The likeliest step of a referral, else the first there is. */
const STEPS = ['[data-acts] .ant-btn-primary:enabled', '[data-acts] button[data-action]:enabled'];

/**
 * Keys that hold on every page: `/` goes to the nearest search field, `a` to the step to be taken, `Esc` goes back, `?` asks what the keys do.
 * Going to a step does not take it: that is Enter.
 */
export function usePageKeys(onHelp: () => void): void {
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
      if (event.key === 'a') {
        const step = STEPS.map((one) => document.querySelector<HTMLElement>(one)).find((one) => one !== null);
        if (step) {
          event.preventDefault();
          step.focus();
        }
      }
      if (event.key === '?') {
        event.preventDefault();
        onHelp();
      }
      // `idx` is the router's count of steps within this site: at 0 there is nowhere of ours to go back to.
      if (event.key === 'Escape' && ((history.state as { idx?: number } | null)?.idx ?? 0) > 0) void navigate(-1);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [navigate, onHelp]);
}
