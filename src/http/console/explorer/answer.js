// What came back: how it went, its errors with their places, and the answer itself; for a subscription each event with its time.

import { copy, el } from '../dom.js';
import { bytes, plural } from '../format.js';
import { button } from './button.js';
import { tree } from './tree.js';

/** How many events are kept. */
const MOST = 200;
const clock = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
});

/** How many errors and user errors an answer has. */
const countsOf = (body) => ({
  errors: body?.errors?.length ?? 0,
  refused: Object.values(body?.data ?? {}).reduce((sum, payload) => sum + (payload?.userErrors?.length ?? 0), 0),
});

/** How a request ended, in a word or two, for a list: `text`, and whether it `isBad`. */
export function outcomeOf({ status, body, isCancelled, isLost }) {
  if (isCancelled) return { text: 'cancelled', isBad: false };
  if (isLost) return { text: 'no answer', isBad: true };
  const { errors, refused } = countsOf(body);
  if (errors > 0) return { text: plural(errors, 'error'), isBad: true };
  if (refused > 0) return { text: plural(refused, 'user error'), isBad: true };
  return status === 200 ? { text: 'done', isBad: false } : { text: `status ${status}`, isBad: true };
}

/** The pane. `goTo` moves the caret to a location that the server gave. */
export class Answer {
  #goTo;
  /** What would be copied. */
  #latest;
  #outcome = el('p', { class: 'outcome-line', role: 'status' });
  #body = el('div', { class: 'answer-body' });
  #bar = el('progress', { max: '1', 'aria-label': 'Sent of the files', hidden: true });
  #events = null;
  #count = 0;

  constructor({ goTo }) {
    this.#goTo = goTo;
    const run = async () => {
      const text = typeof this.#latest === 'string' ? this.#latest : JSON.stringify(this.#latest, null, 2);
      this.copy.textContent = (await copy(text)) ? 'Copied' : 'Not allowed';
      setTimeout(() => (this.copy.textContent = 'Copy'), 2_000);
    };
    this.copy = button('button small', run, 'Copy', { hidden: true });
    this.element = el(
      'div',
      { class: 'answer' },
      el('div', { class: 'answer-head' }, this.#outcome, this.copy),
      this.#bar,
      this.#body,
    );
    this.clear();
  }

  clear() {
    this.#show('', []);
    this.#body.replaceChildren(el('p', { class: 'answer-empty' }, 'The answer appears here.'));
  }

  /** Says why nothing was sent, so that there is no answer. */
  refuse(text) {
    this.clear();
    this.#show(text, [], true);
  }

  /** Says that something is on its way. */
  wait(text) {
    this.#show(text, []);
    this.#body.setAttribute('aria-busy', 'true');
  }

  /** Shows how much of the files has gone. */
  progress(part) {
    this.#bar.hidden = part >= 1;
    this.#bar.value = part;
    this.#outcome.textContent = part < 1 ? `Sending, ${Math.floor(part * 100)} %` : 'Sent. Waiting for the answer…';
  }

  /** Shows the answer to a request, as run.js gives it. */
  settle({ status, took, size, body, text, isCancelled, isLost }, place) {
    if (isCancelled) return this.#show('Cancelled.', []);
    if (isLost) return this.#show('The connection was lost before there was an answer.', [], true);
    const { errors, refused } = countsOf(body);
    const words = [`${status}`, `${took.toLocaleString('en-GB')} ms`, bytes(size)];
    if (errors > 0) words.push(plural(errors, 'error'));
    if (refused > 0) words.push(plural(refused, 'user error'));
    this.#latest = body ?? text;
    const shown = body
      ? tree(body, 'Answer')
      : el('pre', { class: 'plain-answer', tabindex: '0', role: 'group', 'aria-label': 'Answer' }, text.slice(0, 100_000));
    this.#show(words.join(' · '), [this.#errors(body, place), shown], errors > 0 || refused > 0 || status >= 400);
  }

  /** Begins a list of events. */
  listen() {
    this.#count = 0;
    this.#events = el('ol', { class: 'events', 'aria-label': 'Events, the latest first' });
    this.#show('Listening. Nothing yet.', [this.#events]);
    this.copy.hidden = true;
  }

  event(body, place) {
    this.#count++;
    this.#latest = body;
    this.copy.hidden = false;
    const latest = this.#events.firstElementChild?.querySelector('details');
    // The one before is folded, unless somebody reads it.
    if (latest && !latest.contains(document.activeElement)) latest.open = false;
    const inner = el('div', {});
    const details = el(
      'details',
      { open: true },
      el(
        'summary',
        {},
        el('span', {}, `Event ${this.#count}`),
        el('time', {}, clock.format(new Date())),
        body.errors && el('span', { class: 'outcome bad' }, plural(body.errors.length, 'error')),
      ),
      inner,
    );
    details.addEventListener(
      'toggle',
      () =>
        details.open &&
        inner.childElementCount === 0 &&
        inner.append(...[this.#errors(body, place), tree(body, `Event ${this.#count}`)].filter(Boolean)),
    );
    this.#events.prepend(el('li', {}, details));
    while (this.#events.childElementCount > MOST) this.#events.lastElementChild.remove();
    this.#outcome.textContent = `Listening. ${plural(this.#count, 'event')}.`;
  }

  /** Says how listening ended. */
  end(text, isError) {
    this.#outcome.textContent = `${text}${this.#count > 0 ? ` ${plural(this.#count, 'event')}.` : ''}`;
    this.#outcome.classList.toggle('bad', isError);
    this.#body.removeAttribute('aria-busy');
  }

  #show(text, content, isError = false) {
    this.#outcome.textContent = text;
    this.#outcome.classList.toggle('bad', isError);
    this.#bar.hidden = true;
    this.#body.removeAttribute('aria-busy');
    this.#body.replaceChildren(...content.filter(Boolean));
    this.copy.hidden = content.length === 0;
  }

  /** The errors of an answer: what, in which field, and where in the query. */
  #errors(body, place) {
    if (!Array.isArray(body?.errors) || body.errors.length === 0) return null;
    return el(
      'ul',
      { class: 'answer-errors', 'aria-label': 'Errors' },
      ...body.errors.map(({ message, path, locations, extensions }) => {
        const places = (locations ?? []).map((location) => {
          const { line, column } = place(location);
          return button('link', () => this.#goTo({ line, column }), `line ${line}, column ${column}`);
        });
        const facts = [
          extensions?.code && el('code', {}, extensions.code),
          path?.length > 0 && el('span', {}, 'at ', el('code', {}, path.join('.'))),
          ...places,
        ].filter(Boolean);
        return el('li', {}, el('p', {}, String(message)), el('p', { class: 'answer-facts' }, ...facts));
      }),
    );
  }
}
