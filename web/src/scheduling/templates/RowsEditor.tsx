import { Button, Checkbox, Input, InputNumber } from 'antd';
import { useLocale } from '../../locale/locale';
import { Field } from './Field';
import { type Exception, newException, newRow, type Row, WEEKDAYS, type Weekday } from './template';
import styles from './templates.module.css';

interface HoursValue {
  from: string;
  to: string;
  minutes: number;
  places: number;
}

function Hours({ of, change }: { of: HoursValue; change: (more: Partial<HoursValue>) => void }) {
  const { t } = useLocale();
  return (
    <>
      <Field title={t('schedule.from')}>
        {(id) => (
          <Input id={id} type="time" value={of.from} onChange={(event) => change({ from: event.target.value })} />
        )}
      </Field>
      <Field title={t('schedule.to')}>
        {(id) => <Input id={id} type="time" value={of.to} onChange={(event) => change({ to: event.target.value })} />}
      </Field>
      <Field title={t('schedule.minutes')}>
        {(id) => (
          <InputNumber
            id={id}
            min={5}
            max={1440}
            value={of.minutes}
            onChange={(minutes) => change({ minutes: minutes ?? 60 })}
          />
        )}
      </Field>
      <Field title={t('schedule.places')}>
        {(id) => (
          <InputNumber
            id={id}
            min={1}
            max={500}
            value={of.places}
            onChange={(places) => change({ places: places ?? 1 })}
          />
        )}
      </Field>
    </>
  );
}

/** The hours of a week, row by row. */
export function RowsEditor({ rows, onChange }: { rows: Row[]; onChange: (rows: Row[]) => void }) {
  const { t } = useLocale();
  const change = (at: number, more: Partial<Row>) =>
    onChange(rows.map((row, nth) => (nth === at ? { ...row, ...more } : row)));
  return (
    <div>
      {rows.map((row, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row has no name of its own
        <div className={styles.row} key={at}>
          <Checkbox.Group
            aria-label={t('schedule.weekdays')}
            options={WEEKDAYS.map((value) => ({ value, label: t(`schedule.${value}`) }))}
            value={row.weekdays}
            onChange={(days) => change(at, { weekdays: days as Weekday[] })}
          />
          <div className={styles.fields}>
            <Hours of={row} change={(more) => change(at, more)} />
            <Field title={t('schedule.since')}>
              {(id) => (
                <Input
                  id={id}
                  type="date"
                  value={row.since}
                  onChange={(event) => change(at, { since: event.target.value })}
                />
              )}
            </Field>
            <Field title={t('schedule.until')}>
              {(id) => (
                <Input
                  id={id}
                  type="date"
                  value={row.until}
                  onChange={(event) => change(at, { until: event.target.value })}
                />
              )}
            </Field>
            <Checkbox
              className={styles.flat ?? ''}
              checked={row.holidays}
              onChange={(event) => change(at, { holidays: event.target.checked })}
            >
              {t('schedule.holidays')}
            </Checkbox>
            <Button className={styles.end ?? ''} onClick={() => onChange(rows.filter((_, nth) => nth !== at))}>
              {t('schedule.row.remove')}
            </Button>
          </div>
        </div>
      ))}
      <Button onClick={() => onChange([...rows, newRow()])}>{t('schedule.row.add')}</Button>
    </div>
  );
}

interface ExceptionsProps {
  exceptions: Exception[];
  /** What a new one begins with, `2026-12-01`. */
  day: string;
  onChange: (exceptions: Exception[]) => void;
}

/** Leave, and extra clinics. */
export function ExceptionsEditor({ exceptions, day, onChange }: ExceptionsProps) {
  const { t } = useLocale();
  const change = (at: number, more: Partial<Exception>) =>
    onChange(exceptions.map((one, nth) => (nth === at ? { ...one, ...more } : one)));
  return (
    <div>
      {exceptions.length === 0 && <p className={styles.quiet}>{t('schedule.exceptions.none')}</p>}
      {exceptions.map((one, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an exception has no name of its own
        <div className={styles.row} key={at}>
          <strong>{t(`schedule.${one.kind}`)}</strong>
          <div className={styles.fields}>
            <Field title={t('schedule.first-day')}>
              {(id) => (
                <Input
                  id={id}
                  type="date"
                  value={one.since}
                  onChange={(event) => change(at, { since: event.target.value })}
                />
              )}
            </Field>
            <Field title={t('schedule.last-day')}>
              {(id) => (
                <Input
                  id={id}
                  type="date"
                  value={one.until}
                  onChange={(event) => change(at, { until: event.target.value })}
                />
              )}
            </Field>
            {one.kind === 'extra' ? (
              <Hours of={one} change={(more) => change(at, more)} />
            ) : (
              <>
                <Field title={t('schedule.from')}>
                  {(id) => (
                    <Input
                      id={id}
                      type="time"
                      value={one.from}
                      onChange={(event) => change(at, { from: event.target.value })}
                    />
                  )}
                </Field>
                <Field title={t('schedule.to')}>
                  {(id) => (
                    <Input
                      id={id}
                      type="time"
                      value={one.to}
                      onChange={(event) => change(at, { to: event.target.value })}
                    />
                  )}
                </Field>
                <Field title={t('schedule.reason')}>
                  {(id) => (
                    <Input
                      id={id}
                      value={one.reason}
                      placeholder={t('schedule.leave.part')}
                      onChange={(event) => change(at, { reason: event.target.value })}
                    />
                  )}
                </Field>
              </>
            )}
            <Button className={styles.end ?? ''} onClick={() => onChange(exceptions.filter((_, nth) => nth !== at))}>
              {t('schedule.row.remove')}
            </Button>
          </div>
        </div>
      ))}
      <div className={styles.head}>
        <Button onClick={() => onChange([...exceptions, newException('leave', day)])}>{t('schedule.leave.add')}</Button>
        <Button onClick={() => onChange([...exceptions, newException('extra', day)])}>{t('schedule.extra.add')}</Button>
      </div>
    </div>
  );
}
