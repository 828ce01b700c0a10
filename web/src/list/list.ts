import type { Bundle, FhirResource } from 'fhir/r4';
import type { ReactNode } from 'react';
import type { Page } from '../client/client';

/** What a list needs to know to be a list: columns, filters, where its rows come from and lead to. */

export interface Column<T> {
  key: string;
  title: string;
  /** `included` has the resources that came along, by "Type/id". */
  render: (row: T, included: ReadonlyMap<string, FhirResource>) => ReactNode;
  width?: number | string;
  align?: 'left' | 'right';
  /** Kept on one line: numbers and dates. */
  whole?: boolean;
  /** On a phone a row becomes a card: its heading, a line below, or not shown. Default: a line with its title. */
  phone?: 'heading' | 'aside' | 'hidden';
}

export interface Choice {
  value: string;
  label: string;
  /** A true count, shown beside the label. */
  count?: number | undefined;
}

/** A filter lives in the URL under its name. The empty value is the one without a filter. */
export type Filter =
  | { kind: 'text'; name: string; label: string; placeholder?: string }
  | { kind: 'choice'; name: string; label: string; choices: readonly Choice[] }
  | { kind: 'tabs'; name: string; label: string; choices: readonly Choice[] };

export interface Source<T extends FhirResource> {
  /** Names the list and its filters, for the cache. */
  key: readonly unknown[];
  first: (signal: AbortSignal) => Promise<Page<T>>;
}

export type { Bundle };
