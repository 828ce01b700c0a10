import type { AllergyIntolerance } from 'fhir/r4';
import { conceptText, hasCode } from './concept';

/** SNOMED CT "no known allergy" and its siblings for drugs, food and environment (HL7 allergyintolerance-code). */
const NONE_KNOWN = ['716186003', '409137002', '428607008', '429625007'];

export const isNoKnownAllergy = (allergy: AllergyIntolerance): boolean => hasCode(allergy.code, ...NONE_KNOWN);

/** Allergies that still hold and were not a mistake. */
export const isCurrentAllergy = (allergy: AllergyIntolerance): boolean =>
  !hasCode(allergy.clinicalStatus, 'resolved', 'inactive') &&
  !hasCode(allergy.verificationStatus, 'entered-in-error', 'refuted');

/** "Allergy to peanuts" → "peanuts"; Chinese texts stay as they are. */
export const substanceOf = (allergy: AllergyIntolerance): string =>
  conceptText(allergy.code).replace(/^(Allergy to|Allergic to) /i, '') || conceptText(allergy.reaction?.[0]?.substance);

export function reactionsOf(allergy: AllergyIntolerance): string[] {
  return [
    ...new Set((allergy.reaction ?? []).flatMap((reaction) => reaction.manifestation.map(conceptText)).filter(Boolean)),
  ];
}

export const isSevere = (allergy: AllergyIntolerance): boolean =>
  allergy.criticality === 'high' || (allergy.reaction ?? []).some((reaction) => reaction.severity === 'severe');
