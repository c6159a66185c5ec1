// A word under the pointer, explained: what is wrong with it, or what the schema says of it.

import { byId, el } from '../dom.js';
import { prose } from './docs.js';

/** How long the pointer rests on a word, in milliseconds. */
const REST = 350;
const box = el('div', { class: 'explained', role: 'tooltip', popover: 'manual' });

/** Explains the words of an editor. `find` answers `{ title, description }` for an offset, or nothing. */
export function explain(editor, find) {
  const { area } = editor;
  let waiting;
  const hide = () => {
    clearTimeout(waiting);
    if (box.matches(':popover-open')) box.hidePopover();
  };
  const show = (x, y) => {
    const offset = editor.offsetAt(x, y);
    const mark = offset !== undefined && editor.markAt(offset);
    const found = offset !== undefined && find(offset);
    if (!mark && !found) return;
    box.replaceChildren(
      ...[
        mark && el('p', { class: 'error' }, mark.message),
        found && el('p', {}, el('code', {}, found.title)),
        found && prose(found.description),
      ].filter(Boolean),
    );
    if (!box.isConnected) byId('explorer').append(box);
    box.showPopover();
    const { left, top, bottom } = editor.placeOf(offset);
    const { width, height } = box.getBoundingClientRect();
    box.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
    box.style.top = `${top - height - 6 > 0 ? top - height - 6 : bottom + 6}px`;
  };
  area.addEventListener('pointermove', ({ clientX, clientY, pointerType, buttons }) => {
    hide();
    if (pointerType === 'mouse' && buttons === 0) waiting = setTimeout(show, REST, clientX, clientY);
  });
  for (const event of ['pointerleave', 'pointerdown', 'keydown']) area.addEventListener(event, hide);
  editor.scroller.addEventListener('scroll', hide);
}
