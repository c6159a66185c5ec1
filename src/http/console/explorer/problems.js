// What is wrong, underlined at its place and listed below the editor, each with a way to it.

import { el } from '../dom.js';
import { plural } from '../format.js';
import { button } from './button.js';
import { position } from './lex.js';

/** How many are listed. */
const MOST = 20;
/** How long somebody may pause before what they are at is judged, in milliseconds. */
const PAUSE = 700;

/** The problems of an editor. */
export class Problems {
  #editor;
  #later;
  #all = [];
  #section;
  #title = el('p', { class: 'problems-title' });
  #said = el('p', { class: 'visually-hidden', role: 'status' });
  #list = el('ul', { class: 'problems-list' });

  constructor(editor, label) {
    this.#editor = editor;
    this.#section = el('section', { class: 'problems', 'aria-label': label, hidden: true }, this.#title, this.#list);
    this.element = el('div', { class: 'problems-frame' }, this.#section, this.#said);
  }

  get count() {
    return this.#all.length;
  }

  /** Shows these, each with `start`, `end` and `message`. While somebody types, what is at the caret is left for later. */
  show(problems, isTyping = false) {
    clearTimeout(this.#later);
    this.#all = problems;
    const { caret } = this.#editor;
    const shown = isTyping ? problems.filter(({ start, end }) => caret < start || caret > end) : problems;
    this.#editor.mark(shown);
    this.#draw(shown, !isTyping);
    if (isTyping) this.#later = setTimeout(() => this.show(problems), PAUSE);
  }

  /** Moves the caret to the first. */
  goToFirst() {
    const [first] = this.#all;
    if (first) this.#editor.select(first.start, first.end);
  }

  #draw(problems, isTold) {
    this.#section.hidden = problems.length === 0;
    const title = problems.length === 0 ? '' : plural(problems.length, 'problem');
    this.#title.textContent = title;
    if (isTold && this.#said.textContent !== title) this.#said.textContent = title;
    const { text } = this.#editor;
    const rest = problems.length - MOST;
    this.#list.replaceChildren(
      ...problems.slice(0, MOST).map(({ start, end, message, isFromServer }) => {
        const { line, column } = position(text, start);
        const go = () => this.#editor.select(start, end);
        const place = el('span', { class: 'problem-place' }, `${line}:${column}`);
        return el('li', {}, button(null, go, [place, ' ', `${isFromServer ? 'The server: ' : ''}${message}`]));
      }),
      ...(rest > 0 ? [el('li', { class: 'hint' }, `and ${rest} more`)] : []),
    );
  }
}
