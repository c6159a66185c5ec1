// Where in the console somebody is: the address says so.

import { byId } from './dom.js';

/** Whether it is the explorer; and whether somebody there is about to log in. */
export const isExplorer = () => location.hash.startsWith('#/explorer');
export const isLogIn = () => location.hash === '#/explorer/login';

/** Marks the place in the header. */
export function drawPlaces() {
  const current = isExplorer() ? '#/explorer' : '#/';
  for (const link of byId('places').querySelectorAll('a')) {
    if (link.getAttribute('href') === current) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}
