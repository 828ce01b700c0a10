import { describe, expect, test } from 'vitest';
import { chinese } from '../../locale/locale';
import { dayLabel, dayOptions, startOf, timeOptions, timeTyped } from './fields/days';
import { carePlanOf, dayAfter, isLate, type PlanForm, planFaults, usualVisits } from './plan';

const TODAY = '2026-12-28';
const PLAN: PlanForm = {
  wanted: true,
  title: ' 冠心病随访计划 ',
  goals: '血压 < 140/90 mmHg\n\n戒烟 ',
  visits: [
    { day: '2027-01-27', text: '复查血脂' },
    { day: '2027-01-04', text: ' ' },
  ],
  measures: '阿司匹林 100 mg 每日一次',
};

test('days go over months and years', () => {
  expect(dayAfter('2026-12-31', 1)).toBe('2027-01-01');
  expect(dayAfter('2028-02-28', 1)).toBe('2028-02-29');
});

test('the first usual visit is within two weeks', () => {
  const visits = usualVisits(TODAY, { first: '首次', later: '复查' });
  expect(visits.map((visit) => visit.day)).toEqual(['2027-01-04', '2027-01-11', '2027-01-27', '2027-03-28']);
  expect(isLate({ ...PLAN, visits }, TODAY)).toBe(false);
  expect(isLate({ ...PLAN, visits: [{ day: '2027-02-01', text: '' }] }, TODAY)).toBe(true);
});

describe('the plan as a CarePlan', () => {
  const made = carePlanOf(PLAN, { reference: 'Patient/1' }, TODAY);

  test('has its goals inside, its visits in order of days, its measures after them', () => {
    expect(made).toMatchObject({
      title: '冠心病随访计划',
      status: 'active',
      intent: 'plan',
      subject: { reference: 'Patient/1' },
    });
    expect(made.period).toEqual({ start: TODAY, end: '2027-01-27' });
    expect(made.goal).toEqual([{ reference: '#goal-1' }, { reference: '#goal-2' }]);
    expect(made.contained).toHaveLength(2);
    expect(made.activity?.map((one) => one.detail?.description)).toEqual([
      '随访',
      '复查血脂',
      '阿司匹林 100 mg 每日一次',
    ]);
    expect(made.activity?.[0]?.detail?.scheduledPeriod).toEqual({ start: '2027-01-04', end: '2027-01-04' });
  });

  test('without goals nothing is contained', () => {
    expect(carePlanOf({ ...PLAN, goals: ' ' }, { reference: 'Patient/1' }, TODAY)).not.toHaveProperty('contained');
  });
});

test('holes in a plan are named', () => {
  expect(planFaults(PLAN)).toEqual([]);
  expect(planFaults({ ...PLAN, title: ' ', visits: [{ day: '', text: '' }] })).toEqual(['title', 'visit-day']);
  expect(planFaults({ ...PLAN, visits: [] })).toEqual(['visits']);
});

describe('days and times to choose from', () => {
  test('near days by their names, other years with the year', () => {
    expect(dayOptions(TODAY, 5, chinese).map((one) => one.label)).toEqual([
      '今天 12-28 周一',
      '明天 12-29 周二',
      '后天 12-30 周三',
      '12-31 周四',
      '2027-01-01 周五',
    ]);
    expect(dayLabel('2026-12-27', TODAY, chinese)).toBe('12-27 周日');
  });

  test('a quarter of an hour apart, from seven to nine', () => {
    const times = timeOptions();
    expect(times.slice(0, 2)).toEqual(['07:00', '07:15']);
    expect(times.at(-1)).toBe('21:00');
  });

  test.each([
    ['0930', '09:30'],
    ['9:5', '09:05'],
    ['14：20', '14:20'],
    ['2460', ''],
    ['9', ''],
  ])('%s typed is %s', (typed, time) => expect(timeTyped(typed)).toBe(time));

  test('an appointment is an instant of the region', () => {
    expect(startOf({ day: '2026-11-25', time: '09:30' })).toBe('2026-11-25T09:30:00+08:00');
    expect(startOf({ day: '', time: '09:30' })).toBe('');
  });
});
