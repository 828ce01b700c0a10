import type { CodeableConcept, Coding } from 'fhir/r4';

/** Names, not codes. */

export const LOINC = 'http://loinc.org';
export const ICD10 = 'http://hl7.org/fhir/sid/icd-10';

/** SNOMED CT ends its full names with the kind of thing, "Hypertension (disorder)": of no use to a reader. */
const SEMANTIC_TAG =
  / \((disorder|finding|procedure|situation|observable entity|regime\/therapy|morphologic abnormality|event|person|qualifier value|substance|product|physical object|organism|record artifact)\)$/;

export const readable = (text: string): string => text.replace(SEMANTIC_TAG, '');

/** The words of a concept: its text, else a Chinese display, else any display; empty when there is only a code. */
export function conceptText(concept: CodeableConcept | undefined): string {
  if (!concept) return '';
  if (concept.text) return readable(concept.text);
  const displays = (concept.coding ?? []).flatMap((coding) => coding.display ?? []);
  return readable(displays.find((display) => /\p{Script=Han}/u.test(display)) ?? displays[0] ?? '');
}

export function codingOf(concept: CodeableConcept | undefined, system: string): Coding | undefined {
  return concept?.coding?.find((coding) => coding.system === system);
}

/** The code a clinician here writes down: ICD-10. Codes of other systems are for machines and are not shown. */
export function clinicalCode(concept: CodeableConcept | undefined): string {
  return concept?.coding?.find((coding) => coding.system?.startsWith(ICD10))?.code ?? '';
}

export const hasCode = (concept: CodeableConcept | undefined, ...codes: string[]): boolean =>
  concept?.coding?.some((coding) => coding.code !== undefined && codes.includes(coding.code)) ?? false;
