import { Button, Input, Radio, Tag } from 'antd';
import type { Reference } from 'fhir/r4';
import { useEffect, useState } from 'react';
import { usePerson } from '../../access/person';
import { type Candidate, useCandidates } from '../../directory/candidates';
import { useAreas } from '../../directory/places';
import { RegionMap } from '../../directory/RegionMap';
import { type Key, useLocale } from '../../locale/locale';
import { Read } from '../../page/reading';
import type { Direction } from '../codes/reasons';
import { called } from '../codes/search';
import { SPECIALTIES } from '../codes/specialties';
import { inOrder, namedSo, type Receiver, receiver, useDistrict, useReceivers } from '../receivers';
import { Field } from './Field';
import styles from './refer.module.css';

const GENERAL_PRACTICE = '02';
const AFTER_TYPING_MS = 300;
/** Worth a search field. */
const MANY = 6;

interface ReceiverFieldProps {
  direction: Direction | '';
  specialty: string;
  value: Reference | null;
  /** The institution the patient came from, where that is known: it may always get the patient back. */
  origin: string;
  /** "Patient/…" and how urgent it is: the server ranks by them. */
  patient?: string;
  priority?: string;
  onChange: (receiver: Reference) => void;
  onSpecialty?: ((code: string) => void) | undefined;
  fault: string | undefined;
  label?: string;
  /** Where a form jumps to when nothing is chosen. */
  name?: string;
  /** The place of the person's own institution does not matter: the patient comes from elsewhere (forwarding). */
  anyTier?: boolean;
  /** "Organization/…" that is no choice besides the own one. */
  except?: string | undefined;
}

/** The institutions that offer the specialty and stand where the direction leads, with grade, address and telephone. */
export function ReceiverField(props: ReceiverFieldProps) {
  const { t } = useLocale();
  const { specialty, direction, fault, label = t('refer.receiver'), name = 'receiver' } = props;
  return (
    <Field name={name} label={label} required group fault={fault}>
      {() =>
        specialty === '' || direction === '' ? (
          <p className={styles.hint}>{t('refer.receiver.first')}</p>
        ) : (
          <Choice {...props} />
        )
      }
    </Field>
  );
}

function Choice({
  direction,
  specialty,
  value,
  origin,
  patient = '',
  priority = '',
  onChange,
  onSpecialty,
  anyTier,
  except,
}: ReceiverFieldProps) {
  const { t, lang } = useLocale();
  const person = usePerson();
  const own = person.institution?.reference ?? '';
  const tier = anyTier ? '' : (person.institution?.tier ?? '');
  const district = useDistrict(own);
  const [typed, setTyped] = useState('');
  const letters = useSettled(/^[a-z\s]+$/i.test(typed.trim()) ? typed.trim() : '');
  const all = useReceivers(specialty);
  const ranked = useCandidates({ specialty, direction: anyTier ? '' : direction, priority, patient });
  const [mapped, setMapped] = useState(false);
  const bySound = useReceivers(letters ? specialty : '', letters);
  const what = t('refer.receiver.what');
  return (
    <Read of={all} what={what} rows={3}>
      {(found) => {
        const usual = inOrder(found, direction, { tier, district }, origin);
        const candidates = new Map(
          (ranked.state === 'here' ? ranked.value : []).map((one) => [
            `Organization/${one.organization.id ?? ''}`,
            one,
          ]),
        );
        // Until the server has ranked them, or where it cannot: those that offer it, nearest tier first.
        const fitting = (candidates.size > 0 ? byRank(candidates, usual, origin) : usual).filter(
          (one) => one.reference !== own && one.reference !== except,
        );
        const sounding = bySound.state === 'here' ? bySound.value.map((one) => one.reference) : [];
        const shown = fitting.filter(
          (one) => typed.trim() === '' || namedSo(one, typed) || (letters !== '' && sounding.includes(one.reference)),
        );
        const kept = value?.reference ?? '';
        if (fitting.length === 0) {
          const name = called(SPECIALTIES, specialty, lang);
          return (
            <p className={styles.hint}>
              {t(`refer.receiver.none.${direction}` as Key, { specialty: name })}{' '}
              {direction === 'down' && specialty !== GENERAL_PRACTICE && onSpecialty && (
                <Button size="small" onClick={() => onSpecialty(GENERAL_PRACTICE)}>
                  {t('refer.receiver.general')}
                </Button>
              )}
            </p>
          );
        }
        return (
          <>
            {fitting.length > MANY && (
              <Input
                allowClear
                className={styles.findReceiver ?? ''}
                aria-label={t('refer.receiver.find')}
                placeholder={t('refer.receiver.find')}
                value={typed}
                onChange={(event) => setTyped(event.target.value)}
              />
            )}
            <Radio.Group
              className={styles.receivers ?? ''}
              value={kept}
              onChange={(event) => {
                const chosen = fitting.find((one) => one.reference === event.target.value);
                if (chosen) onChange({ reference: chosen.reference, display: chosen.name });
              }}
            >
              {shown.map((one) => (
                <Radio key={one.reference} value={one.reference} className={styles.receiver ?? ''}>
                  <ReceiverWords
                    one={one}
                    origin={one.reference === origin}
                    candidate={candidates.get(one.reference)}
                    chosen={one.reference === kept}
                  />
                </Radio>
              ))}
            </Radio.Group>
            {shown.length === 0 && <p className={styles.hint}>{t('refer.receiver.nomatch')}</p>}
            {candidates.size > 0 && (
              <p className={styles.hint}>
                {t('candidates.how')}
                {[...candidates.values()].some(({ payment }) => payment) && t('candidates.payment.source')}{' '}
                <Button size="small" aria-expanded={mapped} onClick={() => setMapped(!mapped)}>
                  {t(mapped ? 'candidates.list' : 'candidates.map')}
                </Button>
              </p>
            )}
            {mapped && (
              <CandidateMap
                candidates={shown.flatMap((one) => candidates.get(one.reference) ?? [])}
                chosen={kept}
                onChoose={(reference) => {
                  const chosen = fitting.find((one) => one.reference === reference);
                  if (chosen) onChange({ reference: chosen.reference, display: chosen.name });
                }}
              />
            )}
          </>
        );
      }}
    </Read>
  );
}

/** As the server ranks them; who sent the patient here first, whether it is ranked or not. */
function byRank(candidates: ReadonlyMap<string, Candidate>, usual: readonly Receiver[], origin: string): Receiver[] {
  const ranked = [...candidates.values()].map((one) => receiver(one.organization, one.service));
  const back = [...usual, ...ranked].find((one) => one.reference === origin);
  return back ? [back, ...ranked.filter((one) => one.reference !== origin)] : ranked;
}

function CandidateMap({
  candidates,
  chosen,
  onChoose,
}: {
  candidates: readonly Candidate[];
  chosen: string;
  onChoose: (reference: string) => void;
}) {
  const { t, lang } = useLocale();
  const areas = useAreas();
  return (
    <RegionMap
      label={t('directory.map')}
      areas={areas.state === 'here' ? areas.value : []}
      marks={candidates.flatMap((one, place) =>
        one.latitude === undefined || one.longitude === undefined
          ? []
          : {
              id: `Organization/${one.organization.id ?? ''}`,
              name: one.organization.alias?.[0] ?? one.organization.name ?? '',
              tier: receiver(one.organization, one.service).tier,
              latitude: one.latitude,
              longitude: one.longitude,
              number: place + 1,
              note: one.reasons.map((reason) => reason.text[lang]).join(t('list.separator')),
            },
      )}
      chosen={chosen}
      onChoose={onChoose}
    />
  );
}

/** What tells candidates apart; that they offer what is asked for goes without saying. */
const TOLD = /^(scope-broader|tier|outside|way|place|place-none|beds|beds-none|wait)$/;

function ReceiverWords({
  one,
  origin,
  candidate,
  chosen,
}: {
  one: Receiver;
  origin: boolean;
  candidate: Candidate | undefined;
  chosen: boolean;
}) {
  const { t, lang } = useLocale();
  const reasons = candidate?.reasons.filter((reason) => TOLD.test(reason.code)) ?? [];
  return (
    <span className={styles.receiverWords}>
      <strong>{one.name}</strong>
      {one.outside && <Tag>{t('outside.tag')}</Tag>}
      <span>
        {one.grade || t(`referral.tier.${one.tier}` as Key)}
        {origin && <span className={styles.origin}> {t('refer.receiver.origin')}</span>}
      </span>
      {reasons.length > 0 && (
        <span>
          {[
            ...reasons.map((reason) => reason.text[lang]),
            ...(candidate?.directBooking ? [t('candidates.direct')] : []),
          ].join(' · ')}
        </span>
      )}
      {candidate?.payment && (
        <span>
          {t('candidates.payment', {
            deductible: candidate.payment.deductible,
            percent: candidate.payment.percent,
          })}
        </span>
      )}
      {chosen && candidate && candidate.attachments.length > 0 && (
        <span className={styles.origin}>
          {t('candidates.needs', {
            what: candidate.attachments
              .map((code) => t(`settings.attachment.${code}` as Key))
              .join(t('list.separator')),
          })}
        </span>
      )}
      <span className="quiet">{[one.address, one.phone].filter(Boolean).join(' · ')}</span>
    </span>
  );
}

/** What was typed, once the typing pauses. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), AFTER_TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
