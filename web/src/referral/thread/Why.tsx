import { dateTime } from '../../fhir/dates';
import { type Key, useLocale } from '../../locale/locale';
import { Panel } from '../../page/Panel';
import { consentOf, type FormPart, formPart, impressions, reasonTexts } from '../request';
import { firstWords } from '../task';
import type { Thread } from './thread';
import styles from './thread.module.css';

const STORY: readonly FormPart[] = ['present-illness', 'past-history', 'treatment'];
const TRAVEL: readonly FormPart[] = ['transport', 'escort', 'infectious', 'payment', 'precautions'];
const CARE = ['outpatient', 'inpatient', 'examination', 'remote'];

/** 转诊原因: why and what for, in the referrer's own words. */
export function Why({ thread }: { thread: Thread }) {
  const { t, lang } = useLocale();
  const { request } = thread;
  const diagnoses = impressions(request);
  const words = firstWords(request);
  const consent = consentOf(request);
  const care = formPart(request, 'care-type');
  const travel = TRAVEL.flatMap((part) => {
    const text = formPart(request, part) || (part === 'precautions' ? (request?.patientInstruction ?? '') : '');
    return text ? [{ part, text }] : [];
  });
  return (
    <Panel title={t('thread.why')}>
      <dl className={styles.facts}>
        <dt>{t('refer.reasons')}</dt>
        <dd>
          <strong>{reasonTexts(request, lang).join('；') || '—'}</strong>
        </dd>
        {words.length > 0 && <dt>{t('thread.words')}</dt>}
        {words.length > 0 && (
          <dd>
            {words.map((one) => (
              <p key={one.key} className={styles.words}>
                {one.text}
                <span className="quiet">
                  —— {one.who} {dateTime(one.time)}
                </span>
              </p>
            ))}
          </dd>
        )}
        <dt>{t('refer.impressions')}</dt>
        <dd>
          {diagnoses.length === 0 && '—'}
          {diagnoses.map((one) => (
            <span key={one.code + one.text} className={styles.diagnosis}>
              {one.text} <span className="code">{one.code}</span>
            </span>
          ))}
        </dd>
        {STORY.map((part) => {
          const text = formPart(request, part);
          return text ? <Fact key={part} label={t(`thread.form.${part}` as Key)} text={text} /> : null;
        })}
        {care && (
          <Fact label={t('refer.careType')} text={CARE.includes(care) ? t(`referral.care.${care}` as Key) : care} />
        )}
        {travel.map(({ part, text }) => (
          <Fact key={part} label={t(`thread.form.${part}` as Key)} text={text} />
        ))}
        <dt>{t('refer.consent')}</dt>
        <dd>
          {consent ? (
            <>
              {consent.way ? t(`referral.consent.${consent.way}`) : t('thread.consent.given')}{' '}
              <span className="quiet">{dateTime(consent.time)}</span>
            </>
          ) : (
            <span className="quiet">{t('thread.consent.none')}</span>
          )}
        </dd>
      </dl>
    </Panel>
  );
}

function Fact({ label, text }: { label: string; text: string }) {
  return (
    <>
      <dt>{label}</dt>
      <dd className={styles.text}>{text}</dd>
    </>
  );
}
