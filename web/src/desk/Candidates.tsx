import { Button, Tag } from 'antd';
import { day } from '../fhir/dates';
import { Name } from '../fhir/Name';
import { addressText, mainIdentifier, masked, patientAge, patientName, phone, sexText } from '../fhir/patient';
import { type Key, useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import styles from './desk.module.css';
import type { Candidate } from './find';

/** Who may be meant: one line each, with what may be done. Of those we have no ground for, the server tells no more than is shown. */
export function Candidates({ candidates, onOpen }: { candidates: readonly Candidate[]; onOpen: (id: string) => void }) {
  const { t, lang } = useLocale();
  return (
    <Panel title={t('desk.found', { n: candidates.length })}>
      <ul className={styles.candidates}>
        {candidates.map(({ patient, grade, ours }) => (
          <li key={patient.id}>
            <div className={styles.who}>
              <strong>{patientName(patient) || t('patient.unnamed')}</strong>
              <span>
                {sexText(patient, t)} · {patientAge(patient, new Date(), t)} · {day(patient.birthDate) || '—'}
              </span>
              {grade && <Grade grade={grade} />}
            </div>
            <div className="quiet">
              {[
                shownNumber(mainIdentifier(patient)?.value),
                ours ? phone(patient) : shownNumber(phone(patient)),
                addressText(patient, lang),
              ]
                .filter(Boolean)
                .join('　')}
            </div>
            <div className={styles.may}>
              <span className={`quiet ${styles.institution}`}>
                <Name of={patient.managingOrganization} />
              </span>
              {ours ? (
                <>
                  <span className={styles.ours}>{t('desk.ours')}</span>
                  <Button type="primary" onClick={() => onOpen(patient.id ?? '')}>
                    {t('desk.open')}
                  </Button>
                </>
              ) : (
                <span className={styles.elsewhere}>
                  <strong>{t('desk.elsewhere')}</strong>
                  <br />
                  {t('desk.elsewhere.how')}
                </span>
              )}
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** Numbers the server masked already stay as they are. */
export const shownNumber = (value: string | undefined): string => (value?.includes('*') ? value : masked(value));

const COLOURS: Record<string, string> = { certain: 'green', probable: 'orange' };

export function Grade({ grade }: { grade: string }) {
  const { t } = useLocale();
  return <Tag color={COLOURS[grade] ?? 'default'}>{t(`desk.grade.${grade}` as Key)}</Tag>;
}
