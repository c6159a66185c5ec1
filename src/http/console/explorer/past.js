// The list of what ran before: to be opened again, marked to be kept, or removed.

import { el } from '../dom.js';
import { dateAndTime } from '../format.js';
import { button, iconButton } from './button.js';
import { parseJson, valueOf } from './json.js';

/** How much of the variables is shown, in characters. */
const SHORT = 120;

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

/** An instant as a list needs it: to the second, and with the day unless that is today. */
function momentOf(at) {
  const isToday = new Date(at).toDateString() === new Date().toDateString();
  return `${isToday ? '' : `${day.format(at)}, `}${clock.format(at)}`;
}

/** The variables on one line, e.g. `first: 10, filter: {"isPublic":true}`. Empty where there are none. */
function valuesOf(text) {
  const { node } = parseJson(text);
  const line =
    node?.kind === 'object'
      ? node.entries.map(({ key, value }) => `${key}: ${JSON.stringify(valueOf(value))}`).join(', ')
      : text.replaceAll(/\s+/g, ' ').trim();
  return line.length > SHORT ? `${line.slice(0, SHORT)}…` : line;
}

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
    const { name, kind, at, isMarked, query, outcome } = entry;
    const fields = entry.fields || query.replaceAll(/#.*/g, '').replaceAll(/\s+/g, ' ').trim().slice(0, 120);
    const shown = name ?? fields.slice(0, 60);
    const values = valuesOf(entry.variables);
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
      // What has no name is known by its fields already.
      name && el('bdi', { class: 'past-code' }, fields),
      values && el('bdi', { class: 'past-code' }, values),
      el(
        'span',
        { class: 'past-when' },
        el('time', { datetime: new Date(at).toISOString(), title: dateAndTime(at) }, momentOf(at)),
        outcome && ' · ',
        outcome && el('span', { class: outcome.isBad ? 'bad' : '' }, outcome.text),
      ),
    ].filter(Boolean));
    return el('li', {}, open, iconButton('star', words, mark, star), iconButton('close', `Remove ${shown}`, remove));
  }
}
