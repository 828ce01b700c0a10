import { Checkbox, Select } from 'antd';
import { usePerson } from '../../access/person';
import { useCandidates } from '../../directory/candidates';
import { useLocale } from '../../locale/locale';
import { DAYS_AHEAD, placeText, useFreePlaces } from '../actions/fields/useFreePlaces';
import { Field } from './Field';
import type { PartProps } from './part';
import styles from './refer.module.css';

interface NextFieldsProps extends PartProps {
  /** "Patient/…" */
  patient: string;
}

/** Beside the receiver: a place that is booked with the referral, where it lets referrers book, and who is asked when it declines. */
export function NextFields({ patient, ...part }: NextFieldsProps) {
  const person = usePerson();
  const { form } = part;
  const ranked = useCandidates({
    specialty: form.direction === '' ? '' : form.specialty,
    direction: form.direction,
    priority: form.urgency,
    patient,
  });
  const receiver = form.receiver?.reference ?? '';
  if (ranked.state !== 'here' || receiver === '') return null;
  const places = ranked.value.map((one) => ({ ...one, reference: `Organization/${one.organization.id ?? ''}` }));
  const direct = places.some((one) => one.reference === receiver && one.directBooking);
  const others = places.filter((one) => one.reference !== receiver && one.reference !== person.institution?.reference);
  return (
    <>
      {direct && <SlotField {...part} patient={patient} receiver={receiver} />}
      {others.length > 0 && (
        <AlternativesField
          {...part}
          others={others.map((one) => ({ value: one.reference, label: one.organization.name ?? '' }))}
        />
      )}
    </>
  );
}

function SlotField({ form, set, fault, patient, receiver }: NextFieldsProps & { receiver: string }) {
  const { t } = useLocale();
  const reading = useFreePlaces({ organization: receiver, specialty: form.specialty, kind: 'doctor', patient });
  const places = reading.state === 'here' ? reading.value : [];
  const chosen = form.slot?.reference ?? null;
  return (
    <Field name="slot" label={t('refer.slot')} hint={t('refer.slot.hint')} fault={fault('slot')}>
      {(ids) => (
        <Select
          {...ids}
          className={styles.wide ?? ''}
          allowClear={{ label: t('choice.clear') }}
          showSearch={{ optionFilterProp: 'label' }}
          loading={reading.state === 'loading'}
          placeholder={t('refer.slot.empty')}
          notFoundContent={reading.state === 'failed' ? t('act.slot.failed') : t('act.slot.none', { days: DAYS_AHEAD })}
          options={places.map((place) => ({ value: place.slot, label: placeText(place, t) }))}
          value={chosen && (reading.state !== 'here' || places.some((place) => place.slot === chosen)) ? chosen : null}
          onChange={(slot) => set('slot', slot ? { reference: slot } : null)}
        />
      )}
    </Field>
  );
}

function AlternativesField({
  form,
  set,
  fault,
  others,
}: PartProps & { others: readonly { value: string; label: string }[] }) {
  const { t } = useLocale();
  const chosen = (form.alternatives ?? []).flatMap((one) => one.reference ?? []);
  const shown = chosen.filter((reference) => others.some((one) => one.value === reference));
  return (
    <Field
      name="alternatives"
      label={t('refer.alternatives')}
      hint={t('refer.alternatives.hint')}
      fault={fault('alternatives')}
    >
      {(ids) => (
        <>
          <Select
            {...ids}
            mode="multiple"
            className={styles.wide ?? ''}
            showSearch={{ optionFilterProp: 'label' }}
            placeholder={t('refer.alternatives.empty')}
            notFoundContent={t('refer.receiver.nomatch')}
            options={[...others]}
            value={shown}
            onChange={(references: string[]) =>
              set(
                'alternatives',
                references.map((reference) => ({
                  reference,
                  display: others.find((one) => one.value === reference)?.label ?? '',
                })),
              )
            }
          />
          <Checkbox checked={form.automatic ?? false} onChange={(event) => set('automatic', event.target.checked)}>
            {t(shown.length > 0 ? 'refer.automatic' : 'refer.automatic.any')}
          </Checkbox>
        </>
      )}
    </Field>
  );
}
