import type { Field, ReferForm } from './form';

/** What every part of the form is given. */
export interface PartProps {
  form: ReferForm;
  set: <K extends Field>(field: K, value: ReferForm[K]) => void;
  change: (next: (old: ReferForm) => ReferForm) => void;
  /** What is wrong with a field, as soon as it is worth saying. */
  fault: (field: Field) => string | undefined;
}
