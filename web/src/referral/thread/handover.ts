import type { DocumentReference } from 'fhir/r4';
import { HANDOVER_DOCUMENT } from '../systems';

/** The documents that travel with a referral, as `$handover` lists them. Pure. */

export const PAPER_KINDS = ['transfer', 'out', 'in', 'return'] as const;
export type PaperKind = (typeof PAPER_KINDS)[number];

export interface Paper {
  readonly id: string;
  readonly kind: PaperKind | null;
  /** What the document calls itself. */
  readonly title: string;
  /** Whose document it is: the institution that keeps it. */
  readonly of: string;
  /** FHIR instant. */
  readonly made: string;
}

export const paperOf = (document: DocumentReference): Paper => ({
  id: document.id ?? '',
  kind:
    PAPER_KINDS.find((kind) =>
      document.category?.some((concept) =>
        concept.coding?.some((coding) => coding.system === HANDOVER_DOCUMENT && coding.code === kind),
      ),
    ) ?? null,
  title: document.description ?? '',
  of: document.custodian?.display ?? '',
  made: document.date ?? '',
});
