// The list of suggestions beside the caret: it opens while somebody types, or with Ctrl+Space; arrows choose, Enter and Tab
// accept, Escape closes. The caret stays in the text: the list is told to assistive technology as the one that it controls.

import { byId, el, newId } from '../dom.js';

const id = newId('suggestions');
const list = el('ul', { class: 'suggestions-list', role: 'listbox', id, 'aria-label': 'Suggestions' });
const about = el('p', { class: 'suggestions-about' });
const box = el('div', { class: 'suggestions', popover: 'manual' }, list, about);
const said = el('p', { class: 'visually-hidden', role: 'status' });

/** Suggests for an editor. `find` answers what can stand at an offset: `{ start, end, items }`. */
export function suggest(editor, find) {
  const { area } = editor;
  let found = null;
  let chosen = 0;
  area.setAttribute('aria-autocomplete', 'list');
  area.setAttribute('aria-haspopup', 'listbox');
  if (!box.isConnected) byId('explorer').append(box, said);

  function close() {
    if (!found) return;
    found = null;
    box.hidePopover();
    said.textContent = '';
    area.removeAttribute('aria-controls');
    area.removeAttribute('aria-activedescendant');
  }

  function open(isAsked) {
    const answer = area.selectionStart === area.selectionEnd ? find(editor.caret, isAsked) : { items: [] };
    if (answer.items.length === 0) {
      close();
      if (isAsked) said.textContent = 'There are no suggestions here.';
      return;
    }
    found = answer;
    list.replaceChildren(...answer.items.map((item, index) => option(item, index)));
    if (!box.matches(':popover-open')) box.showPopover();
    area.setAttribute('aria-controls', id);
    said.textContent = `${answer.items.length} ${answer.items.length === 1 ? 'suggestion' : 'suggestions'}`;
    choose(0);
    place();
  }

  const option = ({ label, type, note, isDeprecated }, index) =>
    el(
      'li',
      {
        role: 'option',
        id: `${id}-${index}`,
        class: isDeprecated ? 'deprecated' : null,
        'aria-selected': 'false',
        on: {
          pointerdown: (event) => {
            event.preventDefault();
            accept(index);
          },
        },
      },
      el('span', { class: 'label' }, label),
      note && el('span', { class: 'note' }, isDeprecated ? 'deprecated' : note),
      el('span', { class: 'type' }, type ?? ''),
    );

  function choose(index) {
    list.children[chosen]?.setAttribute('aria-selected', 'false');
    chosen = (index + found.items.length) % found.items.length;
    const element = list.children[chosen];
    element.setAttribute('aria-selected', 'true');
    element.scrollIntoView({ block: 'nearest' });
    area.setAttribute('aria-activedescendant', element.id);
    const { description, isDeprecated, note } = found.items[chosen];
    about.textContent = isDeprecated ? (note ? `Deprecated: ${note}` : 'Deprecated.') : (description ?? '').split('\n\n')[0];
    about.hidden = about.textContent === '';
  }

  function place() {
    const { left, top, bottom } = editor.placeOf(found.start);
    const { width, height } = box.getBoundingClientRect();
    box.style.left = `${Math.max(8, Math.min(left - 10, innerWidth - width - 8))}px`;
    box.style.top = `${bottom + height + 8 < innerHeight || top < height ? bottom + 4 : top - height - 4}px`;
  }

  function accept(index = chosen) {
    const { start, end, items } = found;
    const { insert } = items[index];
    close();
    const line = editor.text.slice(0, start).split('\n').at(-1);
    const text = insert.replaceAll('\n', `\n${/^ */.exec(line)[0]}`);
    const at = text.indexOf('|');
    editor.replace(start, end, text.replace('|', ''), start + (at < 0 ? text.length : at));
    // What was put in may ask for more.
    open(at >= 0);
  }

  area.addEventListener(
    'keydown',
    (event) => {
      if ((event.ctrlKey || event.metaKey) && event.code === 'Space') {
        event.preventDefault();
        open(true);
        return;
      }
      if (!found || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      const page = 8;
      const does = {
        ArrowDown: () => choose(chosen + 1),
        ArrowUp: () => choose(chosen - 1),
        PageDown: () => choose(Math.min(found.items.length - 1, chosen + page)),
        PageUp: () => choose(Math.max(0, chosen - page)),
        Enter: () => accept(),
        Tab: () => accept(),
        Escape: close,
      }[event.key];
      if (!does || event.shiftKey) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      does();
    },
    true,
  );
  editor.addEventListener('change', ({ detail }) => {
    // Of what was typed, a bracket with its other half, too; not of what came from the clipboard, from undo, or from a suggestion.
    if (detail?.inputType === 'insertText' && /^(.|\(\)|\[\])$/.test(detail.data ?? '')) open(false);
    else if (detail?.inputType?.startsWith('delete') && found) open(false);
    else close();
  });
  editor.addEventListener('caret', () => {
    if (found && (editor.caret < found.start || editor.caret > found.end + 1)) close();
  });
  area.addEventListener('blur', close);
  editor.scroller.addEventListener('scroll', () => found && place());
  addEventListener('resize', close);
}
