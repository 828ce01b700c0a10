import { Button } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';
import { seesPatients, usePerson } from '../access/person';
import { useLocale } from '../locale/locale';
import { DirectionTag, UrgencyTag } from '../referral/Tags';
import styles from './criteria.module.css';
import { FindingList } from './FindingList';
import { useVerdicts } from './useVerdicts';
import { holds, type Verdict, worthShowing } from './verdict';

/** 转诊标准提示: on the record, which criteria the patient meets and by which value. Nothing where none is; the record does not wait for it. */
export function CriteriaStrip({ patientId }: { patientId: string }) {
  return seesPatients(usePerson()) ? <Strip patientId={patientId} /> : null;
}

function Strip({ patientId }: { patientId: string }) {
  const { t } = useLocale();
  const [confirmed, setConfirmed] = useState<ReadonlySet<string>>(new Set());
  const [open, setOpen] = useState(false);
  const reading = useVerdicts(patientId, [...confirmed]);
  if (reading.state === 'loading') return null;
  if (reading.state === 'failed') {
    return (
      <p className={`${styles.strip} ${styles.calm}`}>
        {t('criteria.unread')}{' '}
        <button type="button" className="link" onClick={reading.retry}>
          {t('do.retry')}
        </button>
      </p>
    );
  }
  const told = reading.value.filter(worthShowing);
  const met = told.filter((one) => one.state === 'met');
  const others = told.filter((one) => one.state !== 'met');
  if (told.length === 0) return null;
  const confirm = (key: string, so: boolean) =>
    setConfirmed((old) => new Set(so ? [...old, key] : [...old].filter((one) => one !== key)));
  const rows = (list: readonly Verdict[]) =>
    list.map((one) => (
      <Row key={one.key} verdict={one} patientId={patientId} confirmed={confirmed} onConfirm={confirm} />
    ));
  return (
    <section
      className={met.some(holds) ? styles.strip : `${styles.strip} ${styles.calm}`}
      aria-label={t('criteria.what')}
    >
      <div className={styles.head}>
        <strong>{t('criteria.what')}</strong>
        <span className={`quiet ${styles.small}`}>{t('criteria.how')}</span>
        {others.length > 0 && (
          <button type="button" className="link" aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? t('criteria.less') : t('criteria.more', { n: others.length })}
          </button>
        )}
      </div>
      <ul className={styles.verdicts}>
        {rows(met)}
        {open && rows(others)}
      </ul>
    </section>
  );
}

interface RowProps {
  verdict: Verdict;
  patientId: string;
  confirmed: ReadonlySet<string>;
  onConfirm: (key: string, so: boolean) => void;
}

function Row({ verdict, patientId, confirmed, onConfirm }: RowProps) {
  const { t } = useLocale();
  const doubtful = verdict.evidence === 'M' || verdict.evidence === 'example';
  const told = verdict.state === 'met' ? verdict.findings.filter((one) => one.state === 'found') : verdict.findings;
  return (
    <li className={styles.verdict}>
      <div className={styles.line}>
        <DirectionTag direction={verdict.direction} />
        <span className={verdict.state === 'met' ? `${styles.state} ${styles.met}` : styles.state}>
          {t(`criteria.state.${verdict.state}`)}
        </span>
        <strong title={verdict.rule}>{verdict.title}</strong>
        {verdict.urgency !== 'routine' && <UrgencyTag urgency={verdict.urgency} />}
        {holds(verdict) && (
          <Link to={`/patients/${patientId}/refer?criterion=${verdict.key}`} tabIndex={-1}>
            <Button size="small">{t('criteria.refer')}</Button>
          </Link>
        )}
      </div>
      {verdict.heldBy.length > 0 && (
        <div className={styles.small}>{t('criteria.held', { titles: verdict.heldBy.join(t('list.separator')) })}</div>
      )}
      <FindingList findings={told} onConfirm={onConfirm} confirmed={confirmed} />
      <div className={`quiet ${styles.small}`}>
        {t('criteria.source')}：{verdict.source}
        {doubtful && `（${t('criteria.doubt')}）`}
      </div>
    </li>
  );
}
