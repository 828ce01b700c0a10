import type { Lang, Translate } from '../../locale/locale';
import { isWord } from '../known';
import type { LegalAction } from './legal';

/** What the button says: the server's word in 中文 (one dictionary for page, print and message), ours in English. */
export function actionName(action: LegalAction, t: Translate, lang: Lang): string {
  const key = `referral.action.${action.code}`;
  if (lang === 'zh' && action.display) return action.display;
  return isWord(key) ? t(key) : action.display || action.code;
}

/** What follows when one does it; empty where there is nothing to say. */
export function consequence(action: LegalAction, t: Translate): string {
  const key = `act.then.${action.code}`;
  return isWord(key) ? t(key) : '';
}
