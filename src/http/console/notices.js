// Short messages in a corner: what went wrong and how to go on, or what was done.

import { byId, el } from './dom.js';
import { sentence } from './format.js';
import { icon } from './icons.js';

/** How long good news stays, in milliseconds. Bad news stays until it is closed. */
const STAY = 6_000;
/** How many there are at a time. */
const MOST = 4;

// The explorer keeps its editors out of their way.
new ResizeObserver(([{ target }]) =>
  document.documentElement.style.setProperty('--notices', `${target.offsetHeight}px`),
).observe(byId('notices'));

/** Shows a sentence, with a button if there is something to do: `action` is `{ name, run }`. */
export function notice(text, { action, isError = false } = {}) {
  const list = byId('notices');
  // Opened anew, it is above a dialog that was opened meanwhile.
  if (list.matches(':popover-open')) list.hidePopover();
  const box = el('div', { class: isError ? 'notice bad' : 'notice' }, isError && icon('warning'), el('p', {}, text));
  const close = () => {
    box.remove();
    if (!list.childElementCount && list.matches(':popover-open')) list.hidePopover();
  };
  if (action) {
    const run = () => {
      close();
      action.run();
    };
    box.append(el('button', { type: 'button', class: 'button', on: { click: run } }, action.name));
  }
  box.append(
    el('button', { type: 'button', class: 'button icon-button', 'aria-label': 'Close', on: { click: close } }, icon('close')),
  );
  // Of good news the latest is enough.
  if (!isError) for (const old of list.querySelectorAll('.notice:not(.bad)')) old.remove();
  while (list.childElementCount >= MOST) list.firstElementChild.remove();
  list.append(box);
  list.showPopover();
  if (!isError) setTimeout(close, STAY);
}

/** Shows a failure, with a way on. A session that is over has a dialog of its own. */
export function failure(error, again) {
  if (error.code === 'UNAUTHENTICATED') return;
  if (!error.code) console.error(error);
  const mayHelp = ['NETWORK', 'SERVICE_UNAVAILABLE', 'INTERNAL_SERVER_ERROR', 'RATE_LIMITED', undefined].includes(error.code);
  notice(sentence(error), { isError: true, action: again && mayHelp && { name: 'Try again', run: again } });
}
