import type { Key } from '../locale/locale';
import { zh } from '../locale/zh';

/** Whether there is a word for it: codes of a newer server may have none yet, and must not break a page. */
export const isWord = (key: string): key is Key => Object.hasOwn(zh, key);

/** What a step is called on the road and beside what was said with it; a general word for one that has none. */
export const stepKey = (action: string): Key => {
  const key = `referral.step.${action}`;
  return isWord(key) ? key : 'thread.road.step';
};
