import type { launchWords as zh } from './words.zh';

/** The words of applications that are opened with a patient. */
export const launchWords: Record<keyof typeof zh, string> = {
  'launch.menu': 'Applications',
  'launch.menu.for': 'Open this patient in an application',
  'launch.blocked': 'The browser blocked the new window. Allow this site to open windows, and try again.',
  'launch.choose': 'Choose a patient',
  'launch.choose.for':
    'The application “{name}” asks to read the record of one patient. Choose whom; it learns of this one alone.',
  'launch.choose.find': 'Find a patient',
  'launch.choose.hint': 'Name, pinyin, identifier or telephone',
  'launch.choose.pick': 'Choose',
  'launch.choose.none': 'No patient found',
  'launch.choose.none.how': 'Check the name or number. Only patients your institution may see can be chosen.',
  'launch.choose.strange': 'This address is no request of an application',
  'launch.choose.strange.how': 'Please begin at the application again.',
};
