import { Alert, Button } from 'antd';
import { useLocale } from '../../locale/locale';
import styles from './actions.module.css';
import { formOf, type LegalAction } from './legal';
import type { ActForm } from './parameters';

interface ProposalProps {
  legal: readonly LegalAction[];
  busy: string;
  onDo: (action: LegalAction, form: ActForm) => void;
}

/** What the platform proposes, with why: one press takes the step. Whoever wants it otherwise takes the step by its own button. */
export function Proposal({ legal, busy, onDo }: ProposalProps) {
  const { t } = useLocale();
  return legal
    .filter((action) => action.proposed)
    .map((action) => {
      const proposed = action.proposed;
      const what = proposed?.to?.display ?? proposed?.reason ?? '';
      const ending = action.code === 'end';
      return (
        <Alert
          key={action.code}
          className={styles.proposal ?? ''}
          type="info"
          showIcon
          title={t(ending ? 'act.proposed.end' : 'act.proposed.redirect', { what })}
          description={proposed?.to && proposed.why.length > 0 ? proposed.why.join('；') : undefined}
          action={
            <Button
              type="primary"
              size="small"
              loading={busy === action.code}
              disabled={busy !== '' && busy !== action.code}
              data-proposed={action.code}
              onClick={() => onDo(action, formOf(action))}
            >
              {t(ending ? 'referral.action.end' : 'act.proposed.redirect.do')}
            </Button>
          }
        />
      );
    });
}
