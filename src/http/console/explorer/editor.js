// A field for code: a text area whose own text cannot be seen, over a layer that shows the same text in colours. Both are one
// grid cell that scrolls as a whole, so that they cannot come apart.

import { el, newId } from '../dom.js';
import { Layer } from './layer.js';
import { help } from './typing.js';

/** What is longer is shown without colours, in characters: nobody reads them there, and each word is an element. */
const PLAIN = 60_000;
/** How many lines are put in as if typed. A browser takes a second for each thousand, and more for more. */
const MOST = 400;

/**
 * The field. Tells `change` (the text is another) and `caret` (the caret is elsewhere).
 * `colours` answers the tokens of a text, each with `start`, `end`, and a `role` or a `kind`.
 */
export class Editor extends EventTarget {
  #colours;
  #layer = new Layer();
  #marks = [];
  #isDrawn = false;
  #isReplacing = false;
  #frame = 0;

  constructor({ label, hint, colours }) {
    super();
    this.#colours = colours;
    const id = newId('hint');
    const plain = {
      spellcheck: 'false',
      autocapitalize: 'off',
      autocomplete: 'off',
      autocorrect: 'off',
      wrap: 'off',
      rows: '1',
      dir: 'ltr',
    };
    this.area = el('textarea', { class: 'code-area', 'aria-label': label, 'aria-describedby': id, ...plain });
    this.scroller = el('div', { class: 'code', dir: 'ltr' }, this.#layer.gutter, this.#layer.element, this.area);
    this.element = el('div', { class: 'code-frame' }, this.scroller, el('p', { id, class: 'visually-hidden' }, hint));
    this.area.addEventListener('input', (event) => this.#isReplacing || this.#changed(event));
    document.addEventListener('selectionchange', () => {
      if (document.activeElement !== this.area) return;
      this.#revealSoon();
      this.dispatchEvent(new Event('caret'));
    });
    help(this);
    this.#draw();
  }

  get text() {
    return this.area.value;
  }
  get caret() {
    return this.area.selectionStart;
  }

  /** Puts a text in the place of all, without a way back: for the beginning. */
  begin(text) {
    this.area.value = text;
    this.area.setSelectionRange(0, 0);
    this.#changed();
  }

  /** Puts a text in the place of all; undo brings back what was there. */
  set(text) {
    if (text === this.text) return;
    this.replace(0, this.text.length, text, 0);
    this.scroller.scrollTo(0, 0);
  }

  /** Puts a text in the place of a part, as if it had been typed, and the caret behind it or at `caret`. */
  replace(start, end, text, caret = start + text.length) {
    const { area } = this;
    const wanted = area.value.slice(0, start) + text + area.value.slice(end);
    area.focus({ preventScroll: true });
    area.setSelectionRange(start, end);
    if (wanted === area.value) return area.setSelectionRange(caret, caret);
    this.#isReplacing = true;
    if (text.split('\n').length <= MOST) document.execCommand(text ? 'insertText' : 'delete', false, text);
    // A field that cannot be seen takes no such command.
    if (area.value !== wanted) area.value = wanted;
    this.#isReplacing = false;
    area.setSelectionRange(caret, caret);
    this.#changed({ inputType: 'insertText', data: text });
  }

  /** Chooses a part, and brings it into sight. */
  select(start, end = start) {
    this.area.focus({ preventScroll: true });
    this.area.setSelectionRange(start, end);
    this.#reveal();
  }

  /** Underlines these parts, each with `start`, `end` and `message`. */
  mark(marks) {
    const { length } = this.text;
    const isSame = this.#isDrawn && marks.length === 0 && this.#marks.length === 0;
    this.#marks = marks.map(({ start, end, message }) => {
      const from = Math.max(0, Math.min(start, length - 1));
      return { start: from, end: Math.max(from + 1, Math.min(end, length)), message };
    });
    if (!isSame) this.#draw();
  }

  /** What is underlined at an offset. */
  markAt(offset) {
    return this.#marks.find(({ start, end }) => start <= offset && offset <= end);
  }

  /** Where a place of the text is in the window. */
  placeOf(offset) {
    return this.#layer.placeOf(offset);
  }

  /** The offset of the word under a point of the window. */
  offsetAt(x, y) {
    return this.#layer.offsetAt(x, y);
  }

  #changed(event) {
    // Who hears of it mostly marks something at once, and it is drawn with that.
    this.#marks = [];
    this.#isDrawn = false;
    this.dispatchEvent(new CustomEvent('change', { detail: event }));
    if (!this.#isDrawn) this.#draw();
    this.#revealSoon();
  }

  #draw() {
    const { text } = this;
    this.#layer.draw(text, text.length > PLAIN ? [] : this.#colours(text), this.#marks);
    this.#isDrawn = true;
  }

  #revealSoon() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#reveal();
    });
  }

  /** Scrolls to the caret. */
  #reveal() {
    if (document.activeElement !== this.area) return;
    const { scroller, area } = this;
    const place = this.placeOf(area.selectionDirection === 'backward' ? area.selectionStart : area.selectionEnd);
    const { left, top } = scroller.getBoundingClientRect();
    const first = left + this.#layer.gutter.offsetWidth;
    if (place.top < top) scroller.scrollTop -= top - place.top + 4;
    else if (place.bottom > top + scroller.clientHeight) scroller.scrollTop += place.bottom - top - scroller.clientHeight + 4;
    if (place.left < first) scroller.scrollLeft -= first - place.left + 24;
    else if (place.left > left + scroller.clientWidth - 8) scroller.scrollLeft += place.left - left - scroller.clientWidth + 48;
  }
}
