import {
  CheckCircleOutlined,
  ExclamationCircleOutlined,
  MinusCircleOutlined,
  QuestionCircleOutlined,
} from '@ant-design/icons';
import { Checkbox } from 'antd';
import type { ReactNode } from 'react';
import { day } from '../fhir/dates';
import { useLocale } from '../locale/locale';
import styles from './criteria.module.css';
import type { Finding } from './verdict';

const MARKS: Readonly<Record<Finding['state'], ReactNode>> = {
  found: <CheckCircleOutlined aria-hidden />,
  near: <ExclamationCircleOutlined aria-hidden />,
  missing: <MinusCircleOutlined aria-hidden />,
  ask: <QuestionCircleOutlined aria-hidden />,
  'not-found': <MinusCircleOutlined aria-hidden />,
};

interface FindingListProps {
  findings: readonly Finding[];
  /** Takes what the doctor says is so; without it nothing is asked. */
  onConfirm?: ((key: string, so: boolean) => void) | undefined;
  confirmed?: ReadonlySet<string> | undefined;
}

/** Which value met which rule, which is close, what is missing, what only the doctor knows. */
export function FindingList({ findings, onConfirm, confirmed }: FindingListProps) {
  const { t } = useLocale();
  return (
    <ul className={styles.findings}>
      {findings.map((one) => (
        <li key={one.key} className={styles.small}>
          <span>
            {MARKS[one.state]} {one.text}
            <span className="quiet"> · {t(`criteria.finding.${one.state}`)}</span>
          </span>
          {one.values.slice(0, 3).map((value) => (
            <span key={`${value.reference}${value.at}`}>
              {value.text !== one.text && <span className={styles.value}>{value.text}</span>}{' '}
              <span className="quiet">{day(value.at)}</span>
            </span>
          ))}
          {one.state === 'missing' && (
            <span className="quiet">
              {one.days ? t('criteria.within', { days: one.days }) : ''}{' '}
              {one.measures.length > 0 && t('criteria.measure', { what: one.measures.join(t('list.separator')) })}
            </span>
          )}
          {one.ask && onConfirm && (one.state === 'ask' || confirmed?.has(one.key)) && (
            <Checkbox
              checked={confirmed?.has(one.key) ?? false}
              onChange={(event) => onConfirm(one.key, event.target.checked)}
            >
              {one.ask} {t('criteria.confirm')}
            </Checkbox>
          )}
        </li>
      ))}
    </ul>
  );
}
