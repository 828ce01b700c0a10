import type { OperationOutcome, OperationOutcomeIssue } from 'fhir/r4';
import type { Translate } from '../locale/locale';

/** What kept a request from being answered, as a person has to deal with it. */
export type ProblemKind =
  | 'unreachable' // no answer at all: network or server down
  | 'signed-out' // 401
  | 'forbidden' // 403
  | 'missing' // 404, 410
  | 'conflict' // 409: the state of things does not allow it
  | 'stale' // 412: somebody else changed it since
  | 'refused' // other 4xx: the request or the content is at fault
  | 'busy' // 429, 503
  | 'broken'; // other 5xx, or an answer that is not FHIR

/** Every failure of a request, the only error type the pages know. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly kind: ProblemKind,
    /** HTTP status, 0 when there was no answer. */
    readonly status: number,
    readonly issues: readonly OperationOutcomeIssue[],
    /** To read out on the telephone; empty when unknown. */
    readonly requestId: string,
    /** Seconds the server asks us to wait, where it says so. */
    readonly retryAfter: number | null = null,
  ) {
    super(issues[0]?.diagnostics ?? issues[0]?.details?.text ?? `${kind} ${status}`);
  }

  /** Codes of the issues beyond FHIR's own (`urls.ERROR`), for pages that react to one. */
  codes(): string[] {
    return this.issues.flatMap((issue) => issue.details?.coding?.flatMap((coding) => coding.code ?? []) ?? []);
  }
}

export function kindOf(status: number): ProblemKind {
  if (status === 0) return 'unreachable';
  if (status === 401) return 'signed-out';
  if (status === 403) return 'forbidden';
  if (status === 404 || status === 410) return 'missing';
  if (status === 409) return 'conflict';
  if (status === 412) return 'stale';
  if (status === 429 || status === 503) return 'busy';
  return status >= 500 ? 'broken' : 'refused';
}

export function problemFrom(status: number, body: unknown, requestId: string, retryAfter: number | null): Problem {
  const outcome = body as Partial<OperationOutcome> | null;
  const issues = outcome?.resourceType === 'OperationOutcome' ? (outcome.issue ?? []) : [];
  return new Problem(kindOf(status), status, issues, requestId, retryAfter);
}

/**
 * What happened, in the reader's language. The server's Chinese text (`details.text`) is preferred in 中文, its English `diagnostics` in English;
 * a Chinese page never shows English diagnostics, it says the general thing instead.
 */
export function whatHappened(error: unknown, t: Translate, lang: 'zh' | 'en'): string {
  if (!(error instanceof Problem)) return t('problem.broken');
  const said = error.issues
    .map((issue) => (lang === 'zh' ? issue.details?.text : (issue.diagnostics ?? issue.details?.text)))
    .filter((text): text is string => Boolean(text));
  if (said.length > 0) return [...new Set(said)].join(lang === 'zh' ? '；' : '; ');
  return t(`problem.${error.kind}`);
}

/** What the person can do next. */
export function whatToDo(error: unknown, t: Translate): string {
  return t(`problem.${error instanceof Problem ? error.kind : 'broken'}.do`);
}
