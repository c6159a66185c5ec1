// A field for code: a text area whose own text cannot be seen, over a layer that shows the same text in colours. Both are one
// grid cell that scrolls as a whole, so that they cannot come apart.

import { el, newId } from '../dom.js';

const PAIRS = { '{': '}', '(': ')', '[': ']', '"': '"' };
const INDENT = '  ';

/**
 * The field. Tells `change` (the text is another) and `caret` (the caret is elsewhere).
 * `colours` answers the tokens of a text, each with `start`, `end`, and a `role` or a `kind`.
 */
export class Editor extends EventTarget {
  #colours;
  #layer = el('div', { class: 'code-layer', 'aria-hidden': 'true' });
  #keys = [];
  #marks = [];

  constructor({ label, hint, colours }) {
    super();
    this.#colours = colours;
    const id = newId('hint');
    this.area = el('textarea', {
      class: 'code-area',
      'aria-label': label,
      'aria-describedby': id,
      spellcheck: 'false',
      autocapitalize: 'off',
      autocomplete: 'off',
      autocorrect: 'off',
      wrap: 'off',
      rows: '1',
      dir: 'ltr',
    });
    this.scroller = el('div', { class: 'code', dir: 'ltr' }, this.#layer, this.area);
    this.element = el('div', { class: 'code-frame' }, this.scroller, el('p', { id, class: 'visually-hidden' }, hint));
    this.area.addEventListener('input', (event) => this.#changed(event));
    this.area.addEventListener('keydown', (event) => this.#key(event));
    document.addEventListener('selectionchange', () => {
      if (document.activeElement !== this.area) return;
      this.#reveal();
      this.dispatchEvent(new Event('caret'));
    });
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
    if (wanted !== area.value) {
      document.execCommand(text ? 'insertText' : 'delete', false, text);
      // A field that cannot be seen takes no such command.
      if (area.value !== wanted) {
        area.value = wanted;
        this.#changed();
      }
    }
    area.setSelectionRange(caret, caret);
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
    this.#marks = marks.map(({ start, end, message }) => {
      const from = Math.max(0, Math.min(start, length - 1));
      return { start: from, end: Math.max(from + 1, Math.min(end, length)), message };
    });
    this.#draw();
  }

  /** What is underlined at an offset. */
  markAt(offset) {
    return this.#marks.find(({ start, end }) => start <= offset && offset <= end);
  }

  /** Where a place of the text is in the window. */
  placeOf(offset) {
    const before = this.text.slice(0, offset);
    const index = before.split('\n').length - 1;
    let left = offset - (before.lastIndexOf('\n') + 1);
    const line = this.#layer.children[index];
    const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (left <= node.length) {
        range.setStart(node, left);
        const { left: x, top, bottom } = range.getBoundingClientRect();
        return { left: x, right: x, top, bottom };
      }
      left -= node.length;
    }
    const { left: x, top, bottom } = line.getBoundingClientRect();
    const start = x + parseFloat(getComputedStyle(this.area).paddingLeft);
    return { left: start, right: start, top, bottom };
  }

  /** The offset under a point of the window, where there is text. */
  offsetAt(x, y) {
    // The layer is below the field, which gets all that the pointer does.
    const word = document.elementsFromPoint(x, y).find((element) => element.parentElement?.parentElement === this.#layer);
    return word ? Number(word.dataset.start) + this.#startOf(word.parentElement) : undefined;
  }

  #startOf(line) {
    const index = [...this.#layer.children].indexOf(line);
    let start = 0;
    for (let left = index; left > 0; left--) start = this.text.indexOf('\n', start) + 1;
    return start;
  }

  #changed(event) {
    this.#marks = [];
    this.#draw();
    this.#reveal();
    this.dispatchEvent(new CustomEvent('change', { detail: event }));
  }

  #key(event) {
    const { area } = this;
    if (event.isComposing || event.altKey) return;
    const [start, end] = [area.selectionStart, area.selectionEnd];
    const [before, after] = [area.value[start - 1], area.value[end]];
    const line = area.value.slice(area.value.lastIndexOf('\n', start - 1) + 1, start);
    const does = (run) => {
      event.preventDefault();
      run();
    };
    if (event.ctrlKey || event.metaKey) {
      if (event.key === '/') does(() => this.#comment());
    } else if (event.key === 'Enter' && !event.shiftKey) {
      const indent = /^ */.exec(line)[0];
      const opens = before in PAIRS && before !== '"';
      const inner = `\n${indent}${opens ? INDENT : ''}`;
      const rest = opens && after === PAIRS[before] ? `\n${indent}` : '';
      does(() => this.replace(start, end, inner + rest, start + inner.length));
    } else if (event.key === 'Backspace' && start === end && before in PAIRS && after === PAIRS[before]) {
      does(() => this.replace(start - 1, end + 1, ''));
    } else if (start === end && event.key === after && Object.values(PAIRS).includes(event.key)) {
      does(() => area.setSelectionRange(start + 1, start + 1));
    } else if (start === end && '})]'.includes(event.key) && /^ {2,}$/.test(line)) {
      does(() => this.replace(start - INDENT.length, end, event.key));
    } else if (
      event.key in PAIRS &&
      (start < end || ((event.key !== '"' || !/[\w"]/.test(before)) && /^[\s)\]}]?$/.test(after ?? '')))
    ) {
      const chosen = area.value.slice(start, end);
      does(() => this.replace(start, end, event.key + chosen + PAIRS[event.key], start + 1 + chosen.length));
    }
  }

  /** Makes comments of the chosen lines, or lines of comments. */
  #comment() {
    const { area } = this;
    const start = area.value.lastIndexOf('\n', area.selectionStart - 1) + 1;
    const end = area.value.indexOf('\n', Math.max(start, area.selectionEnd - 1));
    const lines = area.value.slice(start, end < 0 ? undefined : end).split('\n');
    const isComment = lines.every((line) => /^\s*(#|$)/.test(line));
    const changed = lines
      .map((line) => (isComment ? line.replace(/^(\s*)# ?/, '$1') : line.replace(/^(\s*)(?=\S)/, '$1# ')))
      .join('\n');
    const { selectionStart } = area;
    this.replace(
      start,
      end < 0 ? area.value.length : end,
      changed,
      Math.max(start, selectionStart + (isComment ? -INDENT.length : INDENT.length)),
    );
  }

  /** Scrolls to the caret. */
  #reveal() {
    if (document.activeElement !== this.area || this.#keys.length === 0) return;
    const { scroller, area } = this;
    const end = area.selectionDirection === 'backward' ? area.selectionStart : area.selectionEnd;
    const place = this.placeOf(end);
    const frame = scroller.getBoundingClientRect();
    const gutter = parseFloat(getComputedStyle(area).paddingLeft);
    if (place.top < frame.top) scroller.scrollTop -= frame.top - place.top + 4;
    else if (place.bottom > frame.top + scroller.clientHeight)
      scroller.scrollTop += place.bottom - frame.top - scroller.clientHeight + 4;
    if (place.left < frame.left + gutter) scroller.scrollLeft -= frame.left + gutter - place.left + 24;
    else if (place.left > frame.left + scroller.clientWidth - 8)
      scroller.scrollLeft += place.left - frame.left - scroller.clientWidth + 48;
  }

  // The layer.

  /** Draws the lines that have changed. */
  #draw() {
    const lines = this.#pieces();
    const keys = lines.map((pieces) => JSON.stringify(pieces));
    const old = this.#keys;
    let first = 0;
    while (first < keys.length && first < old.length && keys[first] === old[first]) first++;
    let last = 0;
    while (last < keys.length - first && last < old.length - first && keys.at(-1 - last) === old.at(-1 - last)) last++;
    const [from, to] = [first, old.length - last];
    const range = [...this.#layer.children].slice(from, to);
    const made = lines.slice(first, lines.length - last).map(drawLine);
    const next = this.#layer.children[to] ?? null;
    for (const line of range) line.remove();
    const fragment = document.createDocumentFragment();
    fragment.append(...made);
    this.#layer.insertBefore(fragment, next);
    this.#keys = keys;
  }

  /** Each line as pieces: text, class, where it begins in the line, whether it is underlined. */
  #pieces() {
    const { text } = this;
    const tokens = this.#colours(text);
    const marks = this.#marks;
    const lines = [];
    let token = 0;
    let start = 0;
    for (const line of text.split('\n')) {
      const end = start + line.length;
      const pieces = [];
      let at = start;
      while (at < end) {
        while (token < tokens.length && tokens[token].end <= at) token++;
        const current = tokens[token];
        const isIn = current && current.start <= at;
        let stop = Math.min(end, isIn ? current.end : (current?.start ?? end));
        const mark = marks.find((other) => other.start <= at && at < other.end);
        if (mark) stop = Math.min(stop, mark.end);
        for (const other of marks) if (other.start > at && other.start < stop) stop = other.start;
        pieces.push([text.slice(at, stop), isIn ? (current.role ?? current.kind) : '', at - start, Boolean(mark)]);
        at = stop;
      }
      lines.push(pieces);
      start = end + 1;
    }
    return lines;
  }
}

function drawLine(pieces) {
  const hasMark = pieces.some(([, , , isMarked]) => isMarked);
  return el(
    'div',
    { class: hasMark ? 'line wrong' : 'line' },
    ...pieces.map(([text, kind, start, isMarked]) =>
      el('span', { class: `${kind && `t-${kind}`}${isMarked ? ' mark' : ''}`, 'data-start': String(start) }, text),
    ),
  );
}
