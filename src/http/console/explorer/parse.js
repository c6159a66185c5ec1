// A document as a tree with places, and what is wrong with its syntax. It goes on after mistakes: half a document is what
// people have in front of them most of the time.
//
// On the way it gives tokens a `role`, for their colours, and says in `begins` where a definition, a selection or an item
// begins, for whoever lays the text out.

import { lex } from './lex.js';

export const OPERATIONS = ['query', 'mutation', 'subscription'];
/** How deep brackets may be nested. The server allows fewer. */
const DEEPEST = 100;
/** How many mistakes are told. */
const MOST = 50;

/** The tree: `definitions`, all `tokens`, and `problems`, each with `start`, `end` and `message`. */
export function parse(text) {
  const plain = new Parser(text).document();
  // With a bracket missing, what looks like the next definition is taken as one, so that it is not lost.
  return plain.isUnclosed ? new Parser(text, true).document() : plain;
}

class Parser {
  constructor(text, splits = false) {
    this.text = text;
    this.splits = splits;
    this.all = lex(text);
    this.tokens = this.all.filter(({ kind }) => kind !== 'comment');
    this.at = 0;
    this.depth = 0;
    this.problems = [];
    this.isUnclosed = false;
  }

  // Tokens.

  get token() {
    return this.tokens[this.at];
  }
  get last() {
    return this.tokens[this.at - 1];
  }
  is(text) {
    return this.token?.kind === 'punctuator' && this.token.text === text;
  }
  isName(text) {
    return this.token?.kind === 'name' && (text === undefined || this.token.text === text);
  }
  take(role, begins) {
    const { token } = this;
    if (role) token.role = role;
    if (begins) token.begins = begins;
    this.at++;
    return token;
  }
  accept(text) {
    return this.is(text) && this.take();
  }
  expect(text, why) {
    return this.accept(text) || this.wrong(why ?? `Expected “${text}”`);
  }
  name(role, what) {
    if (!this.isName()) return this.wrong(`Expected ${what}`);
    const { text, start, end } = this.take(role);
    return { text, start, end };
  }
  /** Notes a mistake at what comes next. */
  wrong(message, { start, end } = this.token ?? this.#ending()) {
    const found = this.token && start === this.token.start ? `, found ${shown(this.token)}` : '';
    this.#note(start, end, message.startsWith('Expected') ? `${message}${found || ', found the end'}.` : message);
    return null;
  }
  #ending() {
    const end = this.last?.end ?? 0;
    return { start: Math.max(0, end - 1), end };
  }
  #note(start, end, message) {
    // One mistake has many consequences; the first at each place is enough.
    if (this.problems.length < MOST && !this.problems.some((problem) => problem.start === start))
      this.problems.push({ start, end, message });
  }
  node(kind, start, fields) {
    return { kind, start, end: this.last?.end ?? start, ...fields };
  }
  /** Parses within brackets, or passes over them where they are too many. */
  nested(run) {
    if (this.depth >= DEEPEST) {
      this.wrong('It is nested too deeply.');
      this.skip();
      return null;
    }
    this.depth++;
    const node = run();
    this.depth--;
    return node;
  }
  /** Passes over a token, or over all that is in a bracket. */
  skip() {
    let open = 0;
    do {
      if ('([{'.includes(this.token.text)) open++;
      else if (')]}'.includes(this.token.text)) open--;
      this.take();
    } while (open > 0 && this.token);
  }

  // Definitions.

  document() {
    const definitions = [];
    while (this.token) {
      if (this.isName('fragment')) definitions.push(this.fragment());
      else if (this.is('{') || this.#isKeyword()) definitions.push(this.operation());
      else {
        this.wrong(
          this.is('}') ? 'There is no “{” for this “}”.' : 'Expected “{”, “query”, “mutation”, “subscription” or “fragment”',
        );
        do this.take();
        while (this.token && !this.is('{') && !this.#isKeyword());
      }
    }
    for (const token of this.all) {
      if (token.kind === 'wrong') this.#note(token.start, token.end, `${shown(token)} is nothing in GraphQL.`);
      if (token.isOpen) this.#note(token.start, token.end, 'This string has no end.');
    }
    this.problems.sort((one, other) => one.start - other.start);
    const { text, all: tokens, problems, isUnclosed } = this;
    return { text, definitions, tokens, problems, isUnclosed };
  }

  #isKeyword() {
    return this.isName() && (OPERATIONS.includes(this.token.text) || this.token.text === 'fragment');
  }
  /** What stands at the beginning of a line as if a definition began there. */
  #definitionBegins() {
    return this.#isKeyword() && (this.token.start === 0 || this.text[this.token.start - 1] === '\n');
  }

  operation() {
    const { start } = this.token;
    if (this.is('{')) {
      this.token.begins = 'definition';
      const selections = this.selections();
      return this.node('operation', start, { operation: 'query', name: null, variables: [], directives: [], selections });
    }
    const operation = this.take('keyword', 'definition').text;
    const name = this.isName() ? this.name('definition', 'a name') : null;
    const variables = this.is('(') ? this.variables() : [];
    const directives = this.directives();
    const selections = this.is('{') ? this.selections() : this.wrong('Expected “{”');
    return this.node('operation', start, { operation, name, variables, directives, selections });
  }

  fragment() {
    const { start } = this.take('keyword', 'definition');
    const name = this.isName('on')
      ? this.wrong('A fragment needs a name before “on”.')
      : this.name('definition', 'the name of the fragment');
    const on = this.condition();
    const directives = this.directives();
    const selections = this.is('{') ? this.selections() : this.wrong('Expected “{”');
    return this.node('fragment', start, { name, on, directives, selections });
  }

  condition() {
    if (!this.isName('on')) return this.wrong('Expected “on” and a type');
    this.take('keyword');
    return this.name('type', 'a type');
  }

  variables() {
    const variables = [];
    const open = this.take();
    while (this.token && !this.is(')')) {
      if (this.is('{') || this.is('}') || this.#definitionBegins()) break;
      if (!this.is('$')) {
        this.wrong('Expected a variable, like “$id”');
        this.skip();
        continue;
      }
      const { start } = this.take('variable', 'item');
      const name = this.name('variable', 'the name of the variable');
      const type = this.expect(':', 'Expected “:” and a type') ? this.type() : null;
      const initial = this.accept('=') ? this.value() : null;
      const directives = this.directives();
      variables.push(this.node('definition', start, { name, type, initial, directives }));
    }
    if (variables.length === 0 && this.is(')')) this.wrong('There is no variable in these brackets.', open);
    this.expect(')');
    return variables;
  }

  type() {
    const start = this.token?.start ?? this.text.length;
    let type;
    if (this.is('[')) {
      type = this.nested(() => {
        this.take();
        const of = this.type();
        this.expect(']');
        return this.node('list', start, { of });
      });
    } else {
      const name = this.name('type', 'a type');
      type = name && this.node('named', start, { name });
    }
    if (type && this.accept('!')) Object.assign(type, { isRequired: true, end: this.last.end });
    return type;
  }

  // Selections.

  selections() {
    return this.nested(() => {
      const { start } = this.take('open');
      const items = [];
      while (this.token && !this.is('}')) {
        if (this.splits && this.#definitionBegins()) break;
        if (this.is('...')) items.push(this.spread());
        else if (this.isName()) items.push(this.field());
        else {
          this.wrong('Expected a field');
          this.skip();
        }
      }
      if (items.length === 0 && this.is('}'))
        this.wrong('There has to be a field between these brackets.', { start, end: this.token.end });
      if (this.is('}')) this.take('close');
      else {
        this.isUnclosed = true;
        this.#note(start, start + 1, 'There is no “}” for this “{”.');
      }
      return this.node('selections', start, { items });
    });
  }

  field() {
    const { start } = this.token;
    this.token.begins = 'selection';
    let name = this.name('field', 'a field');
    let alias = null;
    if (this.accept(':')) {
      alias = name;
      this.tokens[this.at - 2].role = 'alias';
      name = this.name('field', 'a field after the alias');
    }
    const args = this.is('(') ? this.arguments() : [];
    const directives = this.directives();
    const selections = this.is('{') ? this.selections() : null;
    return this.node('field', start, { alias, name, args, directives, selections });
  }

  spread() {
    const { start } = this.take(null, 'selection');
    if (this.isName() && !this.isName('on')) {
      const name = this.name('fragment', 'a fragment');
      return this.node('spread', start, { name, directives: this.directives() });
    }
    const on = this.isName('on') ? this.condition() : null;
    const directives = this.directives();
    const selections = this.is('{') ? this.selections() : this.wrong('Expected “on”, the name of a fragment, or “{”');
    return this.node('inline', start, { on, directives, selections });
  }

  directives() {
    const directives = [];
    while (this.is('@')) {
      const { start } = this.take('directive');
      const name = this.name('directive', 'the name of a directive');
      directives.push(this.node('directive', start, { name, args: this.is('(') ? this.arguments() : [] }));
      directives.at(-1).end = this.last.end;
    }
    return directives;
  }

  // Arguments and values.

  arguments() {
    const open = this.take();
    const args = this.pairs('argument', ')', ['{', '}']);
    if (args.length === 0 && this.is(')')) this.wrong('There is no argument in these brackets.', open);
    this.expect(')');
    return args;
  }

  /** Names with values, up to the bracket that closes them or one that cannot be among them. */
  pairs(kind, close, strange) {
    const pairs = [];
    while (this.token && !this.is(close) && !strange.some((text) => this.is(text))) {
      const { start } = this.token;
      if (!this.isName()) {
        this.wrong(`Expected the name of ${kind === 'argument' ? 'an argument' : 'a field'}`);
        this.skip();
        continue;
      }
      this.token.begins = 'item';
      const name = this.name('argument', 'a name');
      const value = this.expect(':') ? this.value() : null;
      pairs.push(this.node(kind, start, { name, value }));
    }
    return pairs;
  }

  value() {
    const { token } = this;
    if (!token) return this.wrong('Expected a value');
    const { start, kind, text } = token;
    if (this.is('$')) {
      this.take('variable');
      const name = this.name('variable', 'the name of the variable');
      return name && this.node('variable', start, { name });
    }
    if (this.is('[')) return this.nested(() => this.#list());
    if (this.is('{')) {
      return this.nested(() => {
        this.take();
        const fields = this.pairs('entry', '}', [')', ']']);
        this.expect('}');
        return this.node('object', start, { fields });
      });
    }
    if (kind === 'name') {
      const type = { true: 'boolean', false: 'boolean', null: 'null' }[text] ?? 'enum';
      this.take(type === 'enum' ? 'enum' : 'constant');
      return this.node(type, start, { text });
    }
    if (['int', 'float', 'string', 'block'].includes(kind)) {
      this.take();
      return this.node(kind === 'block' ? 'string' : kind, start, { text });
    }
    return this.wrong('Expected a value');
  }

  #list() {
    const { start } = this.take();
    const items = [];
    while (this.token && !this.is(']') && !this.is(')') && !this.is('}')) {
      this.token.begins = 'item';
      const item = this.value();
      if (item) items.push(item);
      else if (this.token && !this.is(')') && !this.is('}')) this.skip();
    }
    this.expect(']');
    return this.node('list', start, { items });
  }
}

const shown = ({ text }) => `“${text.length > 20 ? `${text.slice(0, 20)}…` : text}”`;

/** The operation that is meant where the caret is: the one around it, or else the one before it, or else the first. */
export function operationAt({ definitions }, offset) {
  const operations = definitions.filter(({ kind }) => kind === 'operation');
  return operations.findLast(({ start }) => start <= offset) ?? operations[0];
}

/** Every fragment that a definition spreads, directly or not. */
function fragmentsOf(definition, { definitions }) {
  const known = new Map(
    definitions.filter(({ kind, name }) => kind === 'fragment' && name).map((fragment) => [fragment.name.text, fragment]),
  );
  const found = new Set();
  const visit = (selections) => {
    for (const item of selections?.items ?? []) {
      const fragment = item.kind === 'spread' && known.get(item.name?.text);
      if (fragment && !found.has(fragment)) {
        found.add(fragment);
        visit(fragment.selections);
      }
      visit(item.selections);
    }
  };
  visit(definition.selections);
  return [...found];
}

/** An operation and its fragments as a document of their own. `place` leads from an offset in it to one in the whole. */
export function excerpt(operation, document) {
  const parts = [operation, ...fragmentsOf(operation, document).sort((one, other) => one.start - other.start)];
  const places = [];
  let text = '';
  for (const { start, end } of parts) {
    if (text) text += '\n\n';
    places.push({ from: text.length, start });
    text += document.text.slice(start, end);
  }
  return {
    text,
    place: (offset) => {
      const { from, start } = places.findLast((part) => part.from <= offset);
      return start + offset - from;
    },
  };
}
