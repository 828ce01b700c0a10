import { chinese, type Key, type Lang, type Translate } from '../../locale/locale';
import type { LegalAction } from './legal';

const known = (key: string): key is Key => chinese(key as Key) !== undefined;

/** What the button says: the server's word in 中文 (one dictionary for page, print and message), ours in English. */
export function actionName(action: LegalAction, t: Translate, lang: Lang): string {
  const key = `referral.action.${action.code}`;
  if (lang === 'zh' && action.display) return action.display;
  return known(key) ? t(key) : action.display || action.code;
}

/** What follows when one does it; empty where there is nothing to say. */
export function consequence(action: LegalAction, t: Translate): string {
  const key = `act.then.${action.code}`;
  return known(key) ? t(key) : '';
}
