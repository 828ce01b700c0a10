import { InputNumber, Segmented } from 'antd';
import { useId } from 'react';
import { useLocale } from '../locale/locale';
import styles from './booking.module.css';
import type { Course } from './bookings';

const USUAL: Course = { visits: 6, everyDays: 7 };

/** One visit, or a course of them at an interval (疗程). */
export function CourseField({
  course,
  onChange,
}: {
  course: Course | null;
  onChange: (course: Course | null) => void;
}) {
  const { t } = useLocale();
  const id = useId();
  return (
    <div className={styles.whom}>
      <Segmented
        aria-label={t('booking.series.or')}
        value={course ? 'series' : 'one'}
        onChange={(chosen) => onChange(chosen === 'series' ? USUAL : null)}
        options={(['one', 'series'] as const).map((value) => ({ value, label: t(`booking.series.${value}`) }))}
      />
      {course && (
        <>
          <label htmlFor={`${id}-visits`}>{t('booking.series.visits')}</label>
          <InputNumber
            controls={false}
            id={`${id}-visits`}
            min={2}
            max={40}
            style={{ width: 76 }}
            value={course.visits}
            onChange={(visits) => onChange({ ...course, visits: visits ?? 2 })}
          />
          <label htmlFor={`${id}-days`}>{t('booking.series.days')}</label>
          <InputNumber
            controls={false}
            id={`${id}-days`}
            min={1}
            max={90}
            style={{ width: 76 }}
            value={course.everyDays}
            onChange={(days) => onChange({ ...course, everyDays: days ?? 1 })}
          />
          <span className="quiet">{t('booking.series.how')}</span>
        </>
      )}
    </div>
  );
}
