import { WarningFilled } from '@ant-design/icons';
import type { AllergyIntolerance, Flag, Patient } from 'fhir/r4';
import { type ReactNode, type RefObject, useEffect, useRef } from 'react';
import { isNoKnownAllergy, substanceOf } from '../fhir/allergy';
import { conceptText } from '../fhir/concept';
import { day } from '../fhir/dates';
import { Name } from '../fhir/Name';
import { addressText, bloodGroup, isDeceased, patientAge, patientName, phone, sexText } from '../fhir/patient';
import { useAppearance } from '../layout/appearance';
import { useLocale } from '../locale/locale';
import type { Reading } from '../page/reading';
import { MaskedIdentifier } from './MaskedIdentifier';
import styles from './patient.module.css';

interface PatientBannerProps {
  patient: Patient;
  allergies: Reading<readonly AllergyIntolerance[]>;
  flags: Reading<readonly Flag[]>;
  /** The page's own buttons. */
  children?: ReactNode;
}

/** Always in view on every page about one patient: who it is, and what could harm them. What the page is for, its own h1 says. */
export function PatientBanner({ patient, allergies, flags, children }: PatientBannerProps) {
  const { t, lang } = useLocale();
  const blood = bloodGroup(patient);
  const address = addressText(patient, lang);
  const banner = useRef<HTMLElement>(null);
  const first = useRef<HTMLDivElement>(null);
  useHeightInView(banner, first);
  return (
    <header ref={banner} className={styles.banner}>
      <div ref={first} className={styles.first}>
        <h2>{patientName(patient) || t('patient.unnamed')}</h2>
        <span className={styles.basic}>
          {sexText(patient, t)}
          <span aria-hidden> · </span>
          {patientAge(patient, new Date(), t)}
        </span>
        {isDeceased(patient) && (
          <span className={styles.died}>
            {t('patient.died')} {day(patient.deceasedDateTime)}
          </span>
        )}
        <AllergyWords reading={allergies} />
        <span className={styles.actions}>{children}</span>
      </div>
      <div className={styles.second}>
        <span>
          <span className="quiet">{t('patient.born')}</span> {day(patient.birthDate) || '—'}
        </span>
        <MaskedIdentifier patient={patient} />
        {phone(patient) && (
          <span>
            <span className="quiet">{t('patient.phone')}</span> {phone(patient)}
          </span>
        )}
        <span>
          <span className="quiet">{t('patient.institution')}</span>{' '}
          <Name of={patient.managingOrganization} otherwise="—" />
        </span>
        <span>
          <span className="quiet">{t('patient.doctor')}</span>{' '}
          <Name of={patient.generalPractitioner?.[0]} otherwise={t('patient.doctor.none')} />
        </span>
        {address && (
          <span className={styles.address}>
            <span className="quiet">{t('patient.address')}</span> {address}
          </span>
        )}
        {blood && (
          <span>
            <span className="quiet">{t('patient.blood')}</span> {blood}
          </span>
        )}
      </div>
      {flags.state === 'here' && flags.value.length > 0 && (
        <div className={styles.alerts}>
          <strong>{t('patient.alerts')}</strong>{' '}
          {flags.value.map((flag) => conceptText(flag.code)).join(t('list.separator'))}
        </div>
      )}
    </header>
  );
}

/** Tells the page how high the part is that stays in view (`--banner`), so that other headings can stay below it. On a phone it is the first line. */
function useHeightInView(banner: RefObject<HTMLElement | null>, first: RefObject<HTMLElement | null>): void {
  const { phone } = useAppearance();
  useEffect(() => {
    const staying = phone ? first.current : banner.current;
    if (!staying) return;
    const root = document.documentElement.style;
    const watch = new ResizeObserver(() => root.setProperty('--banner', `${staying.offsetHeight}px`));
    watch.observe(staying);
    return () => {
      watch.disconnect();
      root.removeProperty('--banner');
    };
  }, [phone, banner, first]);
}

function AllergyWords({ reading }: { reading: Reading<readonly AllergyIntolerance[]> }) {
  const { t } = useLocale();
  if (reading.state === 'loading') return null;
  if (reading.state === 'failed') return <span className={styles.allergic}>{t('patient.allergies.unread')}</span>;
  const all = reading.value;
  const real = all.filter((allergy) => !isNoKnownAllergy(allergy));
  if (real.length === 0) {
    return (
      <span className={styles.calm}>{t(all.length > 0 ? 'patient.allergies.denied' : 'patient.allergies.none')}</span>
    );
  }
  return (
    <span className={styles.allergic}>
      <WarningFilled aria-hidden /> {t('patient.allergies')} {real.map(substanceOf).join(t('list.separator'))}
    </span>
  );
}
