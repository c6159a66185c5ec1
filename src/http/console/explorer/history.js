// What was run before, and what is being written: kept in this browser, without what is secret.

import { lex } from './lex.js';

const SECRET = /password|token|secret|authorization/i;
const WORDS = ['true', 'false', 'null'];
/** How many are kept, and how many of those that somebody marked. */
const MOST = 50;
/** How much is kept of the fields that were asked for, in characters. */
const SHORT = 120;
/** What is longer than this is not kept, in characters. */
const LONG = 60_000;

/**
 * A document or its variables with what is secret left blank: the strings and numbers that are given to anything with such a
 * name. Texts that are not complete are taken as far as they go; in JSON (`isJson`) what has lost its quotes goes with its line.
 */
export function withoutSecrets(text, isJson = false) {
  const tokens = lex(text).filter(({ kind }) => kind !== 'comment');
  const blank = [];
  for (let at = 0; at < tokens.length; at++) {
    const isNamed =
      ['name', 'string'].includes(tokens[at].kind) && SECRET.test(nameOf(tokens[at])) && tokens[at + 1]?.text === ':';
    if (!isNamed) continue;
    at += 2;
    // The type of a variable, before its default.
    if (tokens[at - 3]?.text === '$') {
      while (tokens[at] && (tokens[at].kind === 'name' || '[]!'.includes(tokens[at].text))) at++;
      if (tokens[at]?.text !== '=') continue;
      at++;
    }
    let open = 0;
    for (; tokens[at]; at++) {
      const { kind, text: word } = tokens[at];
      if (['string', 'block', 'int', 'float', 'wrong'].includes(kind)) blank.push(tokens[at]);
      else if (isJson && kind === 'name' && !WORDS.includes(word))
        blank.push({ start: tokens[at].start, end: lineEnd(text, tokens[at].end) });
      else if (kind === 'punctuator' && '{['.includes(word)) open++;
      else if (kind === 'punctuator' && '}]'.includes(word)) open--;
      if (open <= 0) break;
    }
  }
  return blank.reduceRight((all, { start, end }) => `${all.slice(0, start)}""${all.slice(end)}`, text);
}

function lineEnd(text, from) {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function nameOf({ kind, text }) {
  if (kind === 'name') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A text on one line, without comments and the brackets around it. */
function shortened(text) {
  const line = text.replaceAll(/#.*/g, '').replaceAll(/\s+/g, ' ').trim();
  return line.replace(/^\{ ?(.*?) ?\}$/, '$1').slice(0, SHORT);
}

/** Keeps both in a storage like `localStorage`. */
export class Memory extends EventTarget {
  #storage;

  constructor(storage) {
    super();
    this.#storage = storage;
  }

  /**
   * What ran, the latest first: each with `query`, `variables`, `name`, `kind`, `fields` (those that were asked for, shortened),
   * `at`, whether it is `isMarked`, and when it has ended its `outcome`.
   */
  get entries() {
    const entries = this.#read('strongroom.explorer.history');
    return Array.isArray(entries)
      ? entries.filter((entry) => typeof entry?.query === 'string' && typeof entry.variables === 'string')
      : [];
  }

  /** What was being written; null for who is here for the first time. */
  get draft() {
    const draft = this.#read('strongroom.explorer.draft');
    return typeof draft?.query === 'string' && typeof draft.variables === 'string' ? draft : null;
  }
  set draft({ query, variables }) {
    if (query.length + variables.length > LONG) return;
    this.#write('strongroom.explorer.draft', { query: withoutSecrets(query), variables: withoutSecrets(variables, true) });
  }

  /** Adds one. Answers the instant that it is known by. */
  add({ query, variables, name, kind, fields = '' }) {
    // Two within one millisecond are two all the same.
    const at = Math.max(Date.now(), (this.entries[0]?.at ?? 0) + 1);
    const entry = { query: withoutSecrets(query), variables: withoutSecrets(variables, true), name, kind, at };
    entry.fields = shortened(withoutSecrets(fields));
    if (entry.query.length + entry.variables.length > LONG) return at;
    const isSame = (other) => other.query === entry.query && other.variables === entry.variables;
    const same = this.entries.find(isSame);
    this.#keep([{ ...entry, isMarked: Boolean(same?.isMarked) }, ...this.entries.filter((other) => !isSame(other))]);
    return at;
  }

  /** Notes how one has ended: `text` in a word or two, and whether that `isBad`. */
  settle(at, outcome) {
    this.#keep(this.entries.map((entry) => (entry.at === at ? { ...entry, outcome } : entry)));
  }

  mark(at, isMarked) {
    this.#keep(this.entries.map((entry) => (entry.at === at ? { ...entry, isMarked } : entry)));
  }

  remove(at) {
    this.#keep(this.entries.filter((entry) => entry.at !== at));
  }

  /** Forgets all but what is marked. */
  clear() {
    this.#keep(this.entries.filter(({ isMarked }) => isMarked));
  }

  #keep(entries) {
    const counts = { true: 0, false: 0 };
    this.#write(
      'strongroom.explorer.history',
      entries.filter(({ isMarked }) => ++counts[Boolean(isMarked)] <= MOST),
    );
    this.dispatchEvent(new Event('change'));
  }

  #read(key) {
    try {
      return JSON.parse(this.#storage.getItem(key));
    } catch {
      return null;
    }
  }
  #write(key, value) {
    try {
      this.#storage.setItem(key, JSON.stringify(value));
    } catch {
      // A browser that keeps nothing, or is full: it goes on without.
    }
  }
}
