// The committed schema as the explorer knows it: schema.graphql, turned into what an introspection would answer.

import { readFileSync } from 'node:fs';

import { lex } from '../../../src/http/console/explorer/lex.js';
import { Schema } from '../../../src/http/console/explorer/schema.js';

const KINDS = { type: 'OBJECT', interface: 'INTERFACE', enum: 'ENUM', input: 'INPUT_OBJECT', scalar: 'SCALAR' };
const tokens = lex(readFileSync(new URL('../../../schema.graphql', import.meta.url), 'utf8'));
const types = ['String', 'Int', 'Float', 'Boolean', 'ID'].map((name) => ({ kind: 'SCALAR', name }));
const directives = [];
let at = 0;

const is = (text) => tokens[at]?.text === text;
const take = () => tokens[at++].text;
const accept = (text) => is(text) && take();
const described = () =>
  ['string', 'block'].includes(tokens[at].kind)
    ? take()
        .replaceAll(/^"+|"+$/g, '')
        .trim()
    : null;

function reference() {
  let ref;
  if (accept('[')) {
    ref = { kind: 'LIST', ofType: reference() };
    accept(']');
  } else ref = { name: take() };
  return accept('!') ? { kind: 'NON_NULL', ofType: ref } : ref;
}

function value() {
  if (!is('{')) return take();
  let text = '';
  do text += `${take()} `;
  while (!text.endsWith('} '));
  return text;
}

function applied() {
  while (accept('@')) {
    take();
    if (is('(')) while (take() !== ')');
  }
}

function member(isInput) {
  const description = described();
  const name = take();
  const args = [];
  if (accept('(')) while (!accept(')')) args.push(member(true));
  const type = accept(':') ? reference() : undefined;
  const defaultValue = accept('=') ? value() : null;
  applied();
  return { name, description, type, isDeprecated: false, ...(isInput ? { defaultValue } : { args }) };
}

while (at < tokens.length) {
  const description = described();
  const word = take();
  if (word === 'directive') {
    take();
    const { name, args } = member(false);
    take();
    const locations = [take()];
    while (accept('|')) locations.push(take());
    directives.push({ name, description, args, locations });
  } else if (word === 'schema') break;
  else {
    const type = { kind: KINDS[word], name: take(), description };
    if (accept('implements')) type.interfaces = [{ name: take() }];
    applied();
    const members = [];
    if (accept('{')) while (!accept('}')) members.push(member(word === 'input'));
    Object.assign(type, { enum: { enumValues: members }, input: { inputFields: members } }[word] ?? { fields: members });
    types.push(type);
  }
}
const kinds = new Map(types.map(({ name, kind }) => [name, kind]));
const settle = (ref) => (ref?.ofType ? settle(ref.ofType) : ref && (ref.kind = kinds.get(ref.name)));
for (const { args, type } of [
  ...types.flatMap(({ fields, inputFields }) => [...(fields ?? []), ...(inputFields ?? [])]),
  ...directives,
]) {
  settle(type);
  for (const arg of args ?? []) settle(arg.type);
}
for (const type of types.filter(({ kind }) => kind === 'INTERFACE')) {
  type.possibleTypes = types.filter(({ interfaces }) => interfaces?.some(({ name }) => name === type.name));
}

/** The schema. */
export const schema = new Schema({
  __schema: {
    types,
    directives,
    queryType: { name: 'Query' },
    mutationType: { name: 'Mutation' },
    subscriptionType: { name: 'Subscription' },
  },
});

/** A text without its mark `|`, and where that was. */
export function marked(text) {
  const offset = text.indexOf('|');
  return { text: text.replace('|', ''), offset };
}
