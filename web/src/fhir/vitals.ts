import { ageOn } from './patient';

/** Usual limits of vital signs for adults, where the record gives no range of its own. `above` and `criticalHigh` count from the value itself. */
export interface Limits {
  above?: number;
  below?: number;
  criticalHigh?: number;
  criticalLow?: number;
}

/**
 * Blood pressure: 国家基层高血压防治管理指南, diagnosis from 140/90, referral at once from 180/110; low below 90/60.
 * BMI: WS/T 428-2013 成人体重判定, overweight from 24, underweight below 18.5. Waist is left out: its limit depends on sex.
 * Heart rate 60–100, respiration 12–20, temperature 36.0–37.2 ℃, SpO2 from 95 %, critical below 90 %: as in 诊断学 textbooks and the referral criteria
 * of the county plans (respiration above 30, SpO2 below 90 %, temperature above 39.5 ℃).
 */
const ADULT: Readonly<Record<string, Limits>> = {
  '8480-6': { above: 140, criticalHigh: 180, below: 90 },
  '8462-4': { above: 90, criticalHigh: 110, below: 60 },
  '8867-4': { above: 100.01, below: 60 },
  '9279-1': { above: 20.01, criticalHigh: 30.01, below: 12 },
  '8310-5': { above: 37.3, criticalHigh: 39.51, below: 36 },
  '8331-1': { above: 37.3, criticalHigh: 39.51, below: 36 },
  '59408-5': { below: 95, criticalLow: 90 },
  '2708-6': { below: 95, criticalLow: 90 },
  '39156-5': { above: 24, below: 18.5 },
};

const ADULT_FROM_YEARS = 18;

/** Limits for a measurement of an adult on that day; undefined when there are none or the person was not an adult. */
export function adultLimits(code: string, birthDate: string | undefined, when: string): Limits | undefined {
  const age = ageOn(birthDate, when.slice(0, 10));
  return age && age.years >= ADULT_FROM_YEARS ? ADULT[code] : undefined;
}
