import type { Bundle, Extension, FhirResource, HealthcareService, Organization } from 'fhir/r4';
import { ask } from '../client/client';
import type { Lang } from '../locale/locale';
import { type Reading, useReading } from '../page/reading';

/** Who can take a patient, ranked by the server with its reasons (`HealthcareService/$candidates`). */

export interface Reason {
  readonly code: string;
  readonly text: Readonly<Record<Lang, string>>;
}

export interface Candidate {
  readonly organization: Organization;
  readonly service: HealthcareService;
  readonly reasons: readonly Reason[];
  readonly latitude?: number;
  readonly longitude?: number;
  readonly directBooking: boolean;
  /** What the insurance leaves to the patient, as the region has said: 起付线 in yuan, and the percentage that is paid beyond it. */
  readonly payment?: { readonly deductible: number; readonly percent: number };
  /** Codes of `referral-attachment`. */
  readonly attachments: readonly string[];
}

const CANDIDATE = 'https://yilian.example/fhir/StructureDefinition/candidate';
const SPECIALTY = 'https://yilian.example/fhir/CodeSystem/clinical-department';
const MOST = 60;

export interface Wanted {
  readonly specialty: string;
  /** Empty: whoever offers it. */
  readonly direction: string;
  /** How urgent it is; empty: routine. */
  readonly priority?: string;
  /** "Patient/…" whose pools and home count, empty when nobody is spoken of. */
  readonly patient?: string;
}

export const useCandidates = ({
  specialty,
  direction,
  priority = '',
  patient = '',
}: Wanted): Reading<readonly Candidate[]> =>
  useReading(
    ['candidates', specialty, direction, priority, patient],
    (signal) =>
      ask<Bundle<FhirResource>>(
        'HealthcareService/$candidates',
        {
          specialty: `${SPECIALTY}|${specialty}`,
          direction,
          priority: priority || undefined,
          patient: patient || undefined,
          _count: MOST,
        },
        signal,
      ).then(candidatesOf),
    { enabled: specialty !== '', staleTime: 60_000 },
  );

export function candidatesOf(bundle: Bundle<FhirResource>): Candidate[] {
  const entries = bundle.entry ?? [];
  const organizations = new Map<string, Organization>(
    entries.flatMap(({ resource }) =>
      resource?.resourceType === 'Organization' ? [[`Organization/${resource.id ?? ''}`, resource] as const] : [],
    ),
  );
  return entries.flatMap(({ resource, search }) => {
    const parts = search?.extension?.find((one) => one.url === CANDIDATE)?.extension;
    if (resource?.resourceType !== 'HealthcareService' || !parts) return [];
    const organization =
      organizations.get(resource.providedBy?.reference ?? '') ?? [...organizations.values()].find(isOf(parts));
    if (!organization) return [];
    const number = (url: string) => parts.find((part) => part.url === url)?.valueDecimal;
    const latitude = number('latitude');
    const longitude = number('longitude');
    return {
      organization,
      service: resource,
      reasons: parts.filter((part) => part.url === 'reason').map(reasonOf),
      ...(latitude === undefined || longitude === undefined ? {} : { latitude, longitude }),
      ...paymentOf(parts),
      directBooking: parts.some((part) => part.url === 'direct-booking' && part.valueBoolean === true),
      attachments: parts.filter((part) => part.url === 'attachment').flatMap((part) => part.valueCode ?? []),
    };
  });
}

function paymentOf(parts: readonly Extension[]): Pick<Candidate, 'payment'> {
  const deductible = parts.find((part) => part.url === 'deductible')?.valueMoney?.value;
  const percent = parts.find((part) => part.url === 'insured-percent')?.valueDecimal;
  return deductible === undefined || percent === undefined ? {} : { payment: { deductible, percent } };
}

/** A service of a department names the department: whose it is, the server says. */
const isOf =
  (parts: readonly Extension[]) =>
  (organization: Organization): boolean =>
    parts.find((part) => part.url === 'institution')?.valueReference?.reference ===
    `Organization/${organization.id ?? ''}`;

const reasonOf = ({ extension = [] }: Extension): Reason => {
  const find = (url: string) => extension.find((part) => part.url === url);
  return {
    code: find('code')?.valueCode ?? '',
    text: { zh: find('zh')?.valueString ?? '', en: find('en')?.valueString ?? '' },
  };
};
