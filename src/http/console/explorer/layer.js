// The text of an editor in colours, line by line, with the numbers of the lines. It draws only what has changed, and knows where
// in the window a place of the text is.

import { el } from '../dom.js';

/** What is drawn of a text. */
export class Layer {
  element = el('div', { class: 'code-layer', 'aria-hidden': 'true' });
  gutter = el('div', { class: 'code-gutter', 'aria-hidden': 'true' });
  #text = '';
  #keys = [];

  /** Draws a text with its tokens, those parts underlined that are marked. */
  draw(text, tokens, marks) {
    this.#text = text;
    const lines = piecesOf(text, tokens, marks);
    const keys = lines.map((pieces) =>
      pieces.map(({ word, kind, isMarked }) => `${kind}${isMarked ? '!' : ':'}${word}`).join('\n'),
    );
    const old = this.#keys;
    let first = 0;
    while (first < keys.length && first < old.length && keys[first] === old[first]) first++;
    let last = 0;
    while (last < keys.length - first && last < old.length - first && keys.at(-1 - last) === old.at(-1 - last)) last++;
    const { children } = this.element;
    const [range, next] = [document.createRange(), children[old.length - last] ?? null];
    if (first < old.length - last) {
      range.setStartBefore(children[first]);
      range.setEndAfter(children[old.length - last - 1]);
      range.deleteContents();
    }
    const made = document.createDocumentFragment();
    // One by one: no call takes as many arguments as a text may have lines.
    for (const pieces of lines.slice(first, lines.length - last)) made.append(drawLine(pieces));
    this.element.insertBefore(made, next);
    this.#keys = keys;
    this.#drawGutter(lines);
  }

  #drawGutter(lines) {
    const wrong = lines.flatMap((pieces, index) => (pieces.some(({ isMarked }) => isMarked) ? [index + 1] : []));
    const key = `${lines.length}:${wrong.join()}`;
    if (key === this.gutter.dataset.key) return;
    this.gutter.dataset.key = key;
    // A few texts rather than an element for each line.
    const parts = [];
    let from = 1;
    const numbers = (to) => Array.from({ length: to - from }, (_, index) => `${from + index}\n`).join('');
    for (const line of wrong) {
      parts.push(numbers(line), el('span', { class: 'wrong' }, `${line}\n`));
      from = line + 1;
    }
    this.gutter.replaceChildren(...parts, numbers(lines.length + 1));
  }

  /** Where a place of the text is in the window. */
  placeOf(offset) {
    const before = this.#text.slice(0, offset).split('\n');
    const line = this.element.children[before.length - 1];
    const range = document.createRange();
    let left = before.at(-1).length;
    for (const node of line.childNodes) {
      const word = node.firstChild ?? node;
      if (left <= word.length) {
        range.setStart(word, left);
        break;
      }
      left -= word.length;
    }
    if (!line.firstChild) range.selectNode(line);
    const { left: x, top, bottom } = range.getBoundingClientRect();
    return { left: x, right: x, top, bottom };
  }

  /** The offset of the word under a point of the window. */
  offsetAt(x, y) {
    // The layer is below the field, which gets all that the pointer does.
    const word = document.elementsFromPoint(x, y).find(({ parentElement }) => parentElement?.parentElement === this.element);
    if (!word) return undefined;
    const range = document.createRange();
    range.setStart(this.element, 0);
    range.setEndBefore(word);
    // Each line before it has an end, too.
    return range.toString().length + [...this.element.children].indexOf(word.parentElement);
  }
}

/** Each line as pieces: a word, its kind, and whether it is underlined. */
function piecesOf(text, tokens, marks) {
  const lines = [];
  let token = 0;
  let start = 0;
  for (const line of text.split('\n')) {
    const end = start + line.length;
    const near = marks.filter((mark) => mark.start < end && mark.end > start);
    const pieces = [];
    for (let at = start; at < end;) {
      while (token < tokens.length && tokens[token].end <= at) token++;
      const current = tokens[token];
      const isIn = current && current.start <= at;
      let stop = Math.min(end, isIn ? current.end : (current?.start ?? end));
      const isMarked = near.some((mark) => mark.start <= at && at < mark.end);
      for (const mark of near) for (const edge of [mark.start, mark.end]) if (edge > at && edge < stop) stop = edge;
      pieces.push({ word: text.slice(at, stop), kind: isIn ? (current.role ?? current.kind) : '', isMarked });
      at = stop;
    }
    lines.push(pieces);
    start = end + 1;
  }
  return lines;
}

const drawLine = (pieces) =>
  el(
    'div',
    { class: 'line' },
    ...pieces.map(({ word, kind, isMarked }) =>
      kind || isMarked ? el('span', { class: `t-${kind}${isMarked ? ' mark' : ''}` }, word) : word,
    ),
  );
