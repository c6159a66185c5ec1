// What can stand at the caret, from the schema and the document.

import { operationAt } from './parse.js';
import { scan } from './scan.js';
import { isComposite, isInput, isNonNull, isRequired, nullable, written } from './schema.js';
import { fits } from './values.js';

/** How many are offered. */
const MOST = 100;
const KEYWORDS = {
  query: 'Asks for something.',
  mutation: 'Changes something.',
  subscription: 'Listens to something.',
  fragment: 'Fields to be used in several places.',
};

/**
 * The suggestions at an offset: `{ start, end, items }`, what they replace and what there is. Each has a `label`, what to
 * `insert` (with the caret at `|`), its `type`, a `description`, and whether it is `isDeprecated`.
 * `isAsked`: with nothing typed yet, too, as somebody asked for them.
 */
export function complete(document, offset, schema, isAsked = false) {
  const none = { start: offset, end: offset, items: [] };
  if (document.tokens.some((token) => isWithin(token, offset))) return none;
  const tokens = document.tokens.filter(({ kind }) => kind !== 'comment');
  let index = tokens.findIndex(({ end }) => end >= offset);
  if (index < 0) index = tokens.length;
  // The token that ends here is what is being typed, if it is a name.
  let token = tokens[index];
  if (token && token.kind !== 'name' && token.end === offset) token = tokens[++index];
  const isTyping = token?.kind === 'name' && token.start <= offset && token.end >= offset && token.start < offset;
  const typed = isTyping ? document.text.slice(token.start, offset) : '';
  const [start, end] = isTyping ? [token.start, token.end] : [offset, offset];
  const before = tokens[index - 1];
  const isOpening = before?.end === offset && ['...', '@', '$', '('].includes(before.text);
  if (!isTyping && !isAsked && !isOpening && !(before?.text === ':' && document.text.slice(before.end, offset).length <= 1))
    return none;
  const context = scan(tokens, index, schema);
  const next = tokens[isTyping ? index + 1 : index];
  const items = ranked(suggestions(context, { document, offset, schema, next }), typed);
  // What is there already in full needs no list.
  if (items.length === 1 && items[0].label === typed && !isAsked) return none;
  return { start, end, items: items.slice(0, MOST) };
}

/** Whether an offset is within a string or a comment. */
function isWithin({ kind, start, end, isOpen }, offset) {
  if (kind === 'comment') return offset > start && offset <= end;
  return (kind === 'string' || kind === 'block') && offset > start && (offset < end || (isOpen && offset === end));
}

/** Those that match: from their beginning first, then within, then by their letters in order; what is deprecated comes last. */
function ranked(items, typed) {
  const folded = typed.toLowerCase();
  const rank = ({ label, isDeprecated }) => {
    const name = label.replace(/^[$@.]+\s*/, '').toLowerCase();
    const found = name.startsWith(folded) ? 0 : name.includes(folded) ? 1 : hasLetters(name, folded) ? 2 : Infinity;
    return found * 2 + (isDeprecated ? 1 : 0);
  };
  return items
    .map((item, index) => [rank(item), index, item])
    .filter(([found]) => found < Infinity)
    .sort(([one, first], [other, second]) => one - other || first - second)
    .map(([, , item]) => item);
}

function hasLetters(name, letters) {
  let at = -1;
  return [...letters].every((letter) => (at = name.indexOf(letter, at + 1)) >= 0);
}

function suggestions(context, world) {
  const { schema } = world;
  switch (context.kind) {
    case 'definition':
      return Object.entries(KEYWORDS)
        .filter(([word]) => word === 'fragment' || schema.roots[word])
        .map(([label, description]) => ({ label, insert: `${label} `, description }));
    case 'selection':
      return isComposite(context.type) ? fields(context.type, world) : [];
    case 'spread':
      return [...fragments(context.type, world), { label: 'on', insert: 'on ', description: 'Fields for one type.' }];
    case 'condition':
      return [...schema.types.values()]
        .filter(
          (type) => isComposite(type) && !type.name.startsWith('__') && (!context.type || schema.overlap(context.type, type)),
        )
        .map(named);
    case 'argument':
    case 'entry':
      return [...(context.fields?.values() ?? [])]
        .filter(({ name }) => !context.given.has(name))
        .map((item) => ({
          label: item.name,
          insert: world.next?.text === ':' ? item.name : `${item.name}: `,
          type: written(item.type),
          description: item.description,
          isDeprecated: item.isDeprecated,
          note: isRequired(item) ? 'required' : undefined,
        }));
    case 'value':
      return values(context, world);
    case 'use':
      return variables(context.ref, world).map((item) => ({ ...item, label: item.label.slice(1), insert: item.insert.slice(1) }));
    case 'type':
      return [...schema.types.values()].filter((type) => isInput(type) && !type.name.startsWith('__')).map(named);
    case 'directive':
      return [...schema.directives.values()]
        .filter(({ locations }) => locations.includes(context.place))
        .map(({ name, description, args }) => ({
          label: name,
          insert: args.size > 0 && world.next?.text !== '(' ? `${name}(${[...args.keys()][0]}: |)` : name,
          description,
        }));
    default:
      return [];
  }
}

const named = ({ name, description, kind }) => ({
  label: name,
  insert: name,
  type: kind.toLowerCase().replace('_', ' '),
  description,
});

function fields(type, { schema, next }) {
  const all = [
    ...type.fields.values(),
    schema.field(type, '__typename'),
    ...(type === schema.roots.query ? ['__schema', '__type'].map((name) => schema.field(type, name)) : []),
  ];
  return all.map((field) => ({
    label: field.name,
    insert: withRest(field, schema, next),
    type: written(field.type),
    description: field.description,
    isDeprecated: field.isDeprecated,
    note: field.isDeprecated ? field.deprecationReason : undefined,
  }));
}

/** A field with the brackets that it cannot do without, unless they are there. */
export function withRest(field, schema, next) {
  if (next && ['(', '{', ':', '@'].includes(next.text)) return field.name;
  const required = [...field.args.values()].filter(isRequired);
  const inner = isComposite(schema.named(field.type)) ? ` {\n  ${required.length > 0 ? '' : '|'}\n}` : '';
  const [first, ...rest] = required.map(({ name }) => `${name}: `);
  return first ? `${field.name}(${[`${first}|`, ...rest].join(', ')})${inner}` : `${field.name}${inner}`;
}

function fragments(type, { document, schema }) {
  return document.definitions
    .filter(({ kind, name, on }) => {
      const other = on && schema.type(on.text);
      return kind === 'fragment' && name && (!type || !isComposite(other) || schema.overlap(type, other));
    })
    .map(({ name, on }) => ({
      label: name.text,
      insert: name.text,
      type: on?.text,
      description: 'A fragment of this document.',
    }));
}

function values({ ref, isConstant }, world) {
  if (!ref) return isConstant ? [] : variables(undefined, world);
  const type = world.schema.named(ref);
  const isList = nullable(ref).kind === 'LIST';
  const items = isConstant ? [] : variables(ref, world);
  if (type.kind === 'ENUM') {
    items.push(
      ...[...type.enumValues.values()].map(({ name, description, isDeprecated }) => ({
        label: name,
        insert: name,
        type: type.name,
        description,
        isDeprecated,
      })),
    );
  }
  if (type.name === 'Boolean') items.push(...['true', 'false'].map((word) => ({ label: word, insert: word, type: 'Boolean' })));
  if (type.kind === 'INPUT_OBJECT' && !isList)
    items.push({ label: '{ … }', insert: '{ | }', type: type.name, description: type.description });
  if (isList) items.push({ label: '[ … ]', insert: '[|]', type: written(ref), description: type.description });
  if (!isNonNull(ref)) items.push({ label: 'null', insert: 'null', type: 'null' });
  return items;
}

/** The variables that are declared where the caret is and that may stand there. */
function variables(ref, { document, offset, schema }) {
  const around = document.definitions.findLast(({ start }) => start <= offset);
  const operations =
    around?.kind === 'fragment'
      ? document.definitions.filter(({ kind }) => kind === 'operation')
      : [operationAt(document, offset)];
  const all = operations.flatMap((operation) => operation?.variables ?? []).filter(({ name }) => name);
  return all
    .map(({ name, type, initial }) => ({ name, ref: schema.reference(type), hasDefault: Boolean(initial) }))
    .filter((variable) => !ref || !variable.ref || fits(variable, ref))
    .map(({ name, ref: own }) => ({
      label: `$${name.text}`,
      insert: `$${name.text}`,
      type: own && written(own),
      description: 'A variable of this operation.',
    }));
}
