// A document laid out anew: the tokens stay what they are, comments too, and only what is between them changes.

import { parse } from './parse.js';

/** How long a line may become before what is in its brackets is put on lines of its own. */
const WIDTH = 80;
const CLOSING = { '(': ')', '[': ']', '{': '}' };

/** The document laid out; null where its syntax is wrong. */
export function prettify(text) {
  const { tokens, problems } = parse(text);
  return problems.length > 0 ? null : new Layout(text, tokens).run();
}

class Layout {
  #lines = [''];
  #level = 0;
  /** The token that was written last, and whether it was a comment, after which a line ends. */
  #last = null;

  constructor(text, tokens) {
    this.text = text;
    this.tokens = tokens;
  }

  run() {
    for (let at = 0; at < this.tokens.length;) at = this.#write(at);
    return `${this.#lines.join('\n').trim()}\n`;
  }

  /** Writes the token with this index, with all that is in it if it is a bracket. Answers the index after it. */
  #write(at) {
    const token = this.tokens[at];
    if (token.kind === 'comment') this.#comment(token);
    else if (token.role === 'open') {
      if (token.begins === 'definition') this.#definition(token);
      this.#put(token);
      this.#level++;
    } else if (token.role === 'close') {
      this.#level--;
      this.#line();
      this.#put(token);
    } else if (token.kind === 'punctuator' && CLOSING[token.text]) return this.#bracket(at);
    else {
      if (token.begins === 'definition') this.#definition(token);
      else if (token.begins === 'selection') this.#line(this.#isApart(token) && this.#last.role !== 'open');
      this.#put(token);
    }
    return at + 1;
  }

  #definition(token) {
    // A comment right above belongs to it.
    if (this.#last) this.#line(this.#last.kind !== 'comment' || this.#isApart(token));
  }

  #comment(token) {
    const between = this.#last ? this.text.slice(this.#last.end, token.start) : '\n';
    if (between.includes('\n')) {
      const isOutside = this.#level === 0 && this.#last?.kind !== 'comment';
      if (this.#last) this.#line(isOutside || (this.#isApart(token) && this.#last.role !== 'open'));
    }
    this.#put(token);
  }

  /** Brackets with arguments, values or types: on one line if they fit, else each item on its own. */
  #bracket(at) {
    let end = at;
    for (let open = 0; ; end++) {
      const { kind, text } = this.tokens[end];
      if (kind === 'punctuator' && CLOSING[text]) open++;
      else if (kind === 'punctuator' && Object.values(CLOSING).includes(text)) open--;
      if (open === 0) break;
    }
    const within = this.tokens.slice(at, end + 1);
    const line = inline(within);
    const column = this.#lines.at(-1).length;
    const isShort = line !== null && column + line.length + 2 <= WIDTH;
    if (isShort || (line !== null && !within.some(({ begins }) => begins === 'item'))) {
      this.#put({ ...within[0], text: line });
      this.#last = this.tokens[end];
      return end + 1;
    }
    this.#put(within[0]);
    this.#level++;
    for (let inner = at + 1; inner < end;) {
      if (this.tokens[inner].begins === 'item') this.#line();
      inner = this.#write(inner);
    }
    this.#level--;
    this.#line();
    this.#put(this.tokens[end]);
    return end + 1;
  }

  /** Whether there was an empty line before it. */
  #isApart(token) {
    return this.#last !== null && /\n\s*\n/.test(this.text.slice(this.#last.end, token.start).replaceAll(',', ''));
  }

  #line(isApart = false) {
    const isEmpty = this.#lines.at(-1).trim() === '';
    if (isEmpty) this.#lines.pop();
    if (isApart) this.#lines.push('');
    this.#lines.push('  '.repeat(this.#level));
  }

  #put(token) {
    if (this.#last?.kind === 'comment' && this.#lines.at(-1).trim() !== '') this.#line();
    const isFirst = this.#lines.at(-1).trim() === '';
    // The first in a set of fields is on a line of its own, whatever it is.
    if (this.#last?.role === 'open' && !isFirst && token.role !== 'close' && token.kind !== 'comment') this.#line();
    const line = this.#lines.pop();
    this.#lines.push(line.trim() === '' ? line + token.text : line + gap(this.#last, token) + token.text);
    this.#last = token;
  }
}

/** Tokens on one line; null where that cannot be. */
function inline(tokens) {
  let line = '';
  let last = null;
  for (const token of tokens) {
    if (token.kind === 'comment' || token.text.includes('\n')) return null;
    const comma = token.begins === 'item' && last && !CLOSING[last.text] ? ',' : '';
    line += comma + (last ? gap(last, token) : '') + token.text;
    last = token;
  }
  return line;
}

/** What stands between two tokens of a line. */
function gap(last, token) {
  if (!last) return '';
  const [one, other] = [last, token].map(({ kind, text }) => (kind === 'punctuator' ? text : ''));
  if (['(', '[', '$', '@'].includes(one) || [')', ']', ':', '!'].includes(other)) return '';
  if (other.startsWith('(')) return '';
  if (one === '...') return token.text === 'on' || other ? ' ' : '';
  return one === '{' && other === '}' ? '' : ' ';
}
