// The list of what ran before: to be opened again, marked to be kept, or removed.

import { el } from '../dom.js';
import { dateAndTime } from '../format.js';
import { button, iconButton } from './button.js';

/** The pane. `open` gets the entry that somebody chose. */
export class Past {
  #memory;
  #open;
  #list = el('ol', { class: 'past-list', 'aria-label': 'History' });
  #hint = el('p', { class: 'hint' });
  #clear = button('button small', () => this.#memory.clear(), 'Clear');

  constructor(memory, { open }) {
    this.#memory = memory;
    this.#open = open;
    this.element = el('div', { class: 'past' }, el('div', { class: 'past-head' }, this.#hint, this.#clear), this.#list);
    memory.addEventListener('change', () => this.draw());
    this.draw();
  }

  draw() {
    const entries = this.#memory.entries.toSorted((one, other) => Number(other.isMarked) - Number(one.isMarked));
    this.#hint.textContent =
      entries.length > 0
        ? 'Kept in this browser, without passwords and tokens.'
        : 'What you run is listed here. It is kept in this browser, without passwords and tokens.';
    this.#clear.hidden = entries.every(({ isMarked }) => isMarked);
    this.#list.replaceChildren(...entries.map((entry) => this.#row(entry)));
  }

  #row(entry) {
    const { name, kind, at, isMarked, query } = entry;
    const fields = query
      .replaceAll(/#.*|^\s*(?:query|mutation|subscription)\b[^{]*/g, '')
      .replaceAll(/\s+/g, ' ')
      .slice(0, 60)
      .trim();
    const shown = name ?? (fields || query.slice(0, 60));
    const again = (label) =>
      [...this.#list.querySelectorAll('button')].find((button) => button.getAttribute('aria-label') === label)?.focus();
    const mark = () => {
      this.#memory.mark(at, !isMarked);
      again(isMarked ? `Keep ${shown}` : `Do not keep ${shown}`);
    };
    const remove = () => {
      this.#memory.remove(at);
      (this.#list.querySelector('button') ?? this.element.closest('[tabindex]'))?.focus();
    };
    const [star, words] = isMarked ? ['marked', `Do not keep ${shown}`] : ['', `Keep ${shown}`];
    const open = button('past-open', () => this.#open(entry), [
      el('span', { class: `kind ${kind}` }, kind),
      el('bdi', { class: 'operation' }, shown),
      el('time', { datetime: new Date(at).toISOString() }, dateAndTime(at)),
    ]);
    return el('li', {}, open, iconButton('star', words, mark, star), iconButton('close', `Remove ${shown}`, remove));
  }
}
