import type { PractitionerRole } from 'fhir/r4';
import type { Key, Translate } from '../../locale/locale';
import { POSTS, postOf } from './kept';

/** What a post is called: those the forms give by our word, others as they were written. */
export function postName(role: PractitionerRole, t: Translate): string {
  const code = postOf(role);
  return POSTS.some((one) => one === code) ? t(`kept.post.${code}` as Key) : (role.code?.[0]?.text ?? '');
}
