import { Problem } from '../../client/problem';
import { useLocale } from '../../locale/locale';
import { Failure } from '../../page/Failure';
import { actFieldOf } from './parameters';

/** Why a step was not taken. A stale version is told by the bar of news beside it; faults of fields stand at their fields. */
export function ActRefusal({ problem, what }: { problem: unknown; what: string }) {
  const { t } = useLocale();
  if (!problem) return null;
  if (problem instanceof Problem) {
    if (problem.kind === 'stale') return null;
    const atFields = problem.issues.length > 0 && problem.issues.every((issue) => issue.expression?.some(actFieldOf));
    if (atFields) return null;
  }
  return <Failure error={problem} what={what} title={t('act.refused', { what })} />;
}
