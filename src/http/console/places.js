// Where in the console somebody is: the address says so.

import { byId } from './dom.js';
import { shortened } from './format.js';
import { notice } from './notices.js';

/** The addresses that lead somewhere. */
const KNOWN = /^(#\/?|#\/folder\/[\w-]+|#\/explorer(\/login)?)?$/;

/** Whether it is the explorer; and whether somebody there is about to log in. */
export const isExplorer = () => location.hash === '#/explorer' || isLogIn();
export const isLogIn = () => location.hash === '#/explorer/login';

/** An address that leads nowhere is said to, and gives way to the one of the beginning, which is what is shown. */
export function correct() {
  const { hash } = location;
  if (KNOWN.test(hash)) return;
  history.replaceState(null, '', '#/');
  notice(`There is nothing at “${shortened(hash)}”. You have been brought to the start instead.`);
}

/** Marks the place in the header. */
export function drawPlaces() {
  const current = isExplorer() ? '#/explorer' : '#/';
  for (const link of byId('places').querySelectorAll('a')) {
    if (link.getAttribute('href') === current) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}
