import type { cardWords as zh } from './words.zh';

export const cardWords: Record<keyof typeof zh, string> = {
  'card.title': 'My health card',
  'card.show': 'Show this code at the desk; it is scanned to register you',
  'card.alt': 'QR code of the health card. Turn the screen of the phone towards the scanner at the desk.',
  'card.ready': 'The code is ready and renews itself; there is nothing to do.',
  'card.renews': 'Renews in {s} s',
  'card.renewing': 'Renewing…',
  'card.over': 'This code has ended',
  'card.over.how': 'The platform cannot be reached; a fresh code appears when it can. Your identity card works too.',
  'card.again': 'Renew now',
  'card.bright': 'If it does not scan: brighten the screen, wipe it, or renew the code.',
  'card.holder': 'Holder',
  'card.number': 'Card number',
  'card.since': 'Valid since',
  'card.once': 'Each code works once and for {s} s. Your name and identity number are not in it.',
  'card.once.some': 'Each code works once and ends soon. Your name and identity number are not in it.',
  'card.grant':
    'After a scan that institution may read your record for {hours} hours; every scan is in the list of who read your record.',
  'card.grant.some':
    'After a scan that institution may read your record for the visit; every scan is in the list of who read your record.',
  'card.none': 'You have no health card yet',
  'card.none.how':
    'With it you register at any institution of the city by showing a code, without a card for each. You can withdraw it at any time.',
  'card.apply': 'Get a health card',
  'card.apply.failed': 'The card was not issued',
  'card.what': 'health card',
  'card.withdraw': 'Withdraw the card',
  'card.withdraw.sure':
    'Codes that were shown or photographed end at once. You can get a card again later; its number will be another.',
  'card.withdraw.failed': 'The card was not withdrawn',
  'card.withdrawn': 'The health card is withdrawn',
  'card.nobody': 'This account is not linked to a health record yet; ask at the desk of your health centre.',
  'card.workbench': 'Show my health card',
  'card.workbench.how': 'To be scanned when you register at a hospital.',
};
