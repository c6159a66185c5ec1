// JSON with places: what it holds, where each part stands, and what is wrong with it.

import { lex } from './lex.js';

const WORDS = { true: 'boolean', false: 'boolean', null: 'null' };
const DEEPEST = 100;

/**
 * Reads a text. Answers its root as `node`, `tokens` with roles for their colours, and `problems`. After the first mistake it
 * stops. A text without anything is an empty object.
 */
export function parseJson(text) {
  const tokens = lex(text);
  const reader = new Reader(text, tokens);
  let node = { kind: 'object', start: 0, end: text.length, entries: [] };
  const problems = [];
  try {
    if (tokens.length > 0) node = reader.whole();
  } catch (mistake) {
    if (!(mistake instanceof Mistake)) throw mistake;
    problems.push({ start: mistake.start, end: mistake.end, message: mistake.message });
    node = null;
  }
  return { text, tokens, node, problems };
}

/** The value that a node stands for. */
export function valueOf(node) {
  if (node.kind === 'list') return node.items.map(valueOf);
  // A key may be any name, `__proto__` too.
  if (node.kind === 'object') return Object.fromEntries(node.entries.map(({ key, value }) => [key, valueOf(value)]));
  return node.value;
}

/** A text laid out, its numbers and strings as they were written; null where it is no JSON, or there is nothing in it. */
export function prettifyJson(text) {
  const { tokens, node } = parseJson(text);
  if (!node || tokens.length === 0) return null;
  const write = ({ kind, start, end, entries, items }, indent) => {
    const inner = `${indent}  `;
    const group = (open, parts, close) =>
      parts.length > 0 ? `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${indent}${close}` : open + close;
    if (kind === 'list')
      return group(
        '[',
        items.map((item) => write(item, inner)),
        ']',
      );
    if (kind === 'object')
      return group(
        '{',
        entries.map((entry) => `${text.slice(entry.start, entry.end)}: ${write(entry.value, inner)}`),
        '}',
      );
    return text.slice(start, end);
  };
  return write(node, '');
}

class Mistake extends Error {
  constructor(message, { start, end }) {
    super(message);
    Object.assign(this, { start, end });
  }
}

class Reader {
  constructor(text, tokens) {
    const end = text.trimEnd().length;
    const last = { kind: 'end', text: '', start: Math.max(0, end - 1), end };
    Object.assign(this, { text, tokens, last, at: 0, depth: 0 });
  }

  whole() {
    this.gap(false, 'Variables are one object.');
    const node = this.value();
    if (this.tokens[this.at]) throw new Mistake('Nothing may stand after the end.', this.tokens[this.at]);
    this.gap(false, 'Nothing may stand after the end.');
    return node;
  }

  get next() {
    return this.tokens[this.at] ?? this.last;
  }
  is(text) {
    return this.next.kind === 'punctuator' && this.next.text === text;
  }

  /** What is between two tokens: a comma where there has to be one, and none elsewhere. */
  gap(needsComma, message) {
    const from = this.tokens[this.at - 1]?.end ?? 0;
    const to = this.tokens[this.at]?.start ?? this.text.length;
    const commas = [...this.text.slice(from, to).matchAll(/,/g)];
    if (commas.length === (needsComma ? 1 : 0)) return;
    if (commas.length === 0) throw new Mistake(message, this.next);
    const start = from + commas.at(-1).index;
    throw new Mistake('There is a comma too many.', { start, end: start + 1 });
  }

  value() {
    const token = this.next;
    const { kind, text, start, end } = token;
    if (this.depth > DEEPEST) throw new Mistake('It is nested too deeply.', token);
    if (this.is('{')) return this.group('object', '}', () => this.entry());
    if (this.is('[')) return this.group('list', ']', () => this.value());
    this.at++;
    if (kind === 'string') return { kind, start, end, value: this.string(token) };
    if (kind === 'int' || kind === 'float') return { kind, start, end, value: Number(text) };
    if (WORDS[text]) {
      token.role = 'constant';
      return { kind: WORDS[text], start, end, value: JSON.parse(text) };
    }
    this.at--;
    if (kind === 'name') throw new Mistake(`“${text}” needs quotes around it.`, token);
    throw new Mistake(kind === 'end' ? 'The end comes too early.' : `Expected a value, found “${text.slice(0, 20)}”.`, token);
  }

  string(token) {
    try {
      return JSON.parse(token.text);
    } catch {
      throw new Mistake(
        token.isOpen ? 'This string has no end.' : 'There is something in this string that JSON does not allow.',
        token,
      );
    }
  }

  entry() {
    const token = this.next;
    if (token.kind !== 'string')
      throw new Mistake(`Expected a name in quotes${token.text ? `, found “${token.text.slice(0, 20)}”` : ''}.`, token);
    const key = this.string(token);
    token.role = 'argument';
    this.at++;
    if (!this.is(':')) throw new Mistake('Expected “:” and a value.', this.next);
    this.gap(false);
    this.at++;
    this.gap(false);
    return { key, start: token.start, end: token.end, value: this.value() };
  }

  group(kind, close, item) {
    const { start } = this.next;
    const items = [];
    this.depth++;
    this.at++;
    while (!this.is(close)) {
      if (this.next.kind === 'end') throw new Mistake(`There is no “${close}” for this.`, { start, end: start + 1 });
      this.gap(items.length > 0, 'Expected a comma.');
      items.push(item());
    }
    this.gap(false);
    const { end } = this.next;
    this.at++;
    this.depth--;
    return { kind, start, end, ...(kind === 'object' ? { entries: items } : { items }) };
  }
}
