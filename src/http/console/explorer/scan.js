// Where in a document a place is: reads the tokens before it and follows the types, whatever is missing after it.

import { OPERATIONS } from './parse.js';
import { nullable } from './schema.js';

/**
 * What stands, or would stand, at the token with this index: `{ kind, … }`.
 * `tokens` are without comments. Kinds: `definition`, `selection` (with `type`), `spread` and `condition` (with `type`),
 * `argument` and `entry` (with `fields`, those that can be given, and `given`, the names of those that are), `value` (with
 * `ref`), `use` (of a variable, with `ref`), `variable` (its declaration), `type`, `directive` (with `place`), and `none`.
 */
export function scan(tokens, index, schema) {
  const scanner = new Scanner(schema);
  for (let at = 0; at < index; at++) scanner.read(tokens[at], tokens[at + 1]);
  return scanner.context(tokens[index - 1]);
}

class Scanner {
  /** The brackets that are open, each with what it is about; the first is the document. */
  frames = [{ kind: 'document' }];

  constructor(schema) {
    this.schema = schema;
  }

  get frame() {
    return this.frames.at(-1);
  }

  /** Says what is expected after what has been read. */
  context(last) {
    const { frame } = this;
    const before = last?.kind === 'punctuator' ? last.text : undefined;
    if (before === '@')
      return {
        kind: 'directive',
        place: frame.kind === 'selection' ? (frame.after ?? 'FIELD') : (frame.place ?? 'VARIABLE_DEFINITION'),
      };
    switch (frame.kind) {
      case 'document':
        if (frame.expects === 'type') return { kind: 'condition' };
        return frame.root || frame.isFragment ? { kind: 'none' } : { kind: 'definition' };
      case 'selection':
        if (before === '...') return { kind: 'spread', type: frame.type };
        return frame.expects === 'type' ? { kind: 'condition', type: frame.type } : { kind: 'selection', type: frame.type };
      case 'variables':
        if (before === '$') return { kind: 'variable' };
        if (frame.state === 'type') return { kind: 'type' };
        return frame.state === 'value' ? { kind: 'value', ref: frame.ref, isConstant: true } : { kind: 'none' };
      case 'list':
        return { kind: before === '$' ? 'use' : 'value', ref: frame.ref };
      default:
        if (before === '$') return { kind: 'use', ref: frame.item?.type };
        if (frame.hasColon) return { kind: 'value', ref: frame.item?.type };
        return { kind: frame.kind, fields: frame.fields, given: frame.given, owner: frame.owner };
    }
  }

  read(token, next) {
    const isValue = token.kind !== 'punctuator';
    const { frame } = this;
    this[frame.kind](frame, token, next, isValue);
  }

  // One for each kind of bracket.

  document(frame, { kind, text }) {
    const { roots } = this.schema;
    if (text === '{' && kind === 'punctuator') {
      const type = frame.isFragment ? frame.type : (frame.root ?? roots.query);
      this.frames = [{ kind: 'document' }, { kind: 'selection', type }];
    } else if (text === '(') {
      if (frame.callable) this.#open('argument', { fields: frame.callable.args, owner: frame.callable });
      else this.frames.push({ kind: 'variables' });
    } else if (kind === 'name') {
      if (frame.isDirective) Object.assign(frame, { isDirective: false, callable: this.schema.directives.get(text) });
      else if (frame.expects === 'type') Object.assign(frame, { expects: undefined, type: this.schema.type(text) });
      else if (frame.isFragment && text === 'on' && frame.isNamed) frame.expects = 'type';
      else if (frame.isFragment || frame.root) frame.isNamed = true;
      else if (text === 'fragment') Object.assign(frame, { isFragment: true, place: 'FRAGMENT_DEFINITION' });
      else if (OPERATIONS.includes(text)) Object.assign(frame, { root: roots[text] ?? {}, place: text.toUpperCase() });
    } else if (text === '@') frame.isDirective = true;
  }

  selection(frame, { kind, text }, next) {
    if (kind === 'name') {
      if (frame.isDirective) Object.assign(frame, { isDirective: false, callable: this.schema.directives.get(text) });
      else if (frame.expects === 'type')
        Object.assign(frame, { expects: undefined, inner: this.schema.type(text), callable: undefined });
      else if (frame.isSpread) {
        if (text === 'on') Object.assign(frame, { expects: 'type', after: 'INLINE_FRAGMENT' });
        else Object.assign(frame, { inner: undefined, callable: undefined, after: 'FRAGMENT_SPREAD' });
        frame.isSpread = false;
      } else if (next?.text !== ':') {
        const field = this.schema.field(frame.type, text);
        Object.assign(frame, { callable: field, inner: field && this.schema.named(field.type), after: 'FIELD' });
      }
      return;
    }
    if (text === '...')
      Object.assign(frame, { isSpread: true, inner: frame.type, callable: undefined, after: 'INLINE_FRAGMENT' });
    else if (text === '@') Object.assign(frame, { isDirective: true, isSpread: false });
    else if (text === '(') this.#open('argument', { fields: frame.callable?.args, owner: frame.callable });
    else if (text === '{') {
      frame.isSpread = false;
      this.frames.push({ kind: 'selection', type: frame.inner });
    } else if (text === '}') this.#close();
  }

  variables(frame, { kind, text }) {
    const isPunctuator = kind === 'punctuator';
    if (isPunctuator && text === ')') this.#close();
    else if (isPunctuator && text === '{') {
      if (frame.state === 'value') this.#object(frame.ref);
      else {
        // The bracket was not closed.
        this.frames.pop();
        this.document(this.frame, { kind, text });
      }
    } else if (isPunctuator && text === '[' && frame.state === 'value') this.frames.push({ kind: 'list', ref: item(frame.ref) });
    else if (isPunctuator && text === '$') Object.assign(frame, { state: 'name', ref: undefined });
    else if (isPunctuator && text === ':') frame.state = 'type';
    else if (isPunctuator && text === '=') frame.state = 'value';
    else if (kind === 'name' && frame.state === 'type') {
      const type = this.schema.type(text);
      Object.assign(frame, { state: 'typed', ref: type && { kind: type.kind, name: type.name } });
    } else if (!isPunctuator && frame.state === 'value') frame.state = 'done';
  }

  argument(frame, token, next, isValue) {
    const { text } = token;
    if (frame.isUse) {
      frame.isUse = false;
      if (token.kind === 'name') return this.#done(frame);
    }
    if (isValue && frame.hasColon) this.#done(frame);
    else if (isValue) {
      frame.item = frame.fields?.get(text);
      frame.given.add(text);
    } else if (text === ':') frame.hasColon = true;
    else if (text === '$') frame.isUse = true;
    else if (text === '{' && frame.hasColon) this.#object(frame.item?.type);
    else if (text === '[') this.frames.push({ kind: 'list', ref: item(frame.item?.type) });
    else if (text === ')' || text === '}') this.#close();
    else if (text === '{') this.frames.push({ kind: 'selection', type: undefined });
  }

  entry(...read) {
    this.argument(...read);
  }

  list(frame, { kind, text }) {
    if (kind !== 'punctuator') return;
    if (text === '{') this.#object(frame.ref);
    else if (text === '[') this.frames.push({ kind: 'list', ref: item(frame.ref) });
    else if (text === ']' || text === ')' || text === '}') this.#close();
  }

  #open(kind, more) {
    this.frames.push({ kind, given: new Set(), ...more });
  }
  #object(ref) {
    const type = ref && this.schema.named(ref);
    this.#open('entry', { fields: type?.inputFields, owner: type });
  }
  /** Leaves a bracket. What it was the value of is complete. */
  #close() {
    if (this.frames.length > 1) this.frames.pop();
    const { frame } = this;
    if (frame.hasColon) this.#done(frame);
    else if (frame.kind === 'variables' && frame.state === 'value') frame.state = 'done';
  }
  #done(frame) {
    Object.assign(frame, { hasColon: false, item: undefined });
  }
}

const item = (ref) => {
  const list = ref && nullable(ref);
  return list?.kind === 'LIST' ? list.ofType : list;
};
