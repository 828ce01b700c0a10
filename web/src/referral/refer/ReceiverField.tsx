import { Button, Input, Radio } from 'antd';
import type { Reference } from 'fhir/r4';
import { useEffect, useState } from 'react';
import { usePerson } from '../../access/person';
import { type Key, useLocale } from '../../locale/locale';
import { Read } from '../../page/reading';
import type { Direction } from '../codes/reasons';
import { called } from '../codes/search';
import { SPECIALTIES } from '../codes/specialties';
import { inOrder, namedSo, type Receiver, useDistrict, useReceivers } from '../receivers';
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
  onChange: (receiver: Reference) => void;
  onSpecialty?: ((code: string) => void) | undefined;
  fault: string | undefined;
  label?: string;
  /** The place of the person's own institution does not matter: the patient comes from elsewhere (forwarding). */
  anyTier?: boolean;
  /** "Organization/…" that is no choice besides the own one. */
  except?: string | undefined;
}

/** The institutions that offer the specialty and stand where the direction leads, with grade, address and telephone. */
export function ReceiverField(props: ReceiverFieldProps) {
  const { t } = useLocale();
  const { specialty, direction, fault, label = t('refer.receiver') } = props;
  return (
    <Field name="receiver" label={label} required group fault={fault}>
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

function Choice({ direction, specialty, value, origin, onChange, onSpecialty, anyTier, except }: ReceiverFieldProps) {
  const { t, lang } = useLocale();
  const person = usePerson();
  const own = person.institution?.reference ?? '';
  const tier = anyTier ? '' : (person.institution?.tier ?? '');
  const district = useDistrict(own);
  const [typed, setTyped] = useState('');
  const letters = useSettled(/^[a-z\s]+$/i.test(typed.trim()) ? typed.trim() : '');
  const all = useReceivers(specialty);
  const bySound = useReceivers(letters ? specialty : '', letters);
  const what = t('refer.receiver.what');
  return (
    <Read of={all} what={what} rows={3}>
      {(found) => {
        const fitting = inOrder(found, direction, { tier, district }, origin).filter(
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
                const chosen = found.find((one) => one.reference === event.target.value);
                if (chosen) onChange({ reference: chosen.reference, display: chosen.name });
              }}
            >
              {shown.map((one) => (
                <Radio key={one.reference} value={one.reference} className={styles.receiver ?? ''}>
                  <ReceiverWords one={one} origin={one.reference === origin} />
                </Radio>
              ))}
            </Radio.Group>
            {shown.length === 0 && <p className={styles.hint}>{t('refer.receiver.nomatch')}</p>}
          </>
        );
      }}
    </Read>
  );
}

function ReceiverWords({ one, origin }: { one: Receiver; origin: boolean }) {
  const { t } = useLocale();
  return (
    <span className={styles.receiverWords}>
      <strong>{one.name}</strong>
      <span>
        {one.grade || t(`referral.tier.${one.tier}` as Key)}
        {origin && <span className={styles.origin}> {t('refer.receiver.origin')}</span>}
      </span>
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
