// Values in a document against the types that they are given for. What scalars of the API's own take, the API knows.

import { instead, isNonNull, isRequired, nullable, written } from './schema.js';

/** What the scalars of the specification take. */
export const SCALARS = { Int: ['int'], Float: ['int', 'float'], String: ['string'], Boolean: ['boolean'], ID: ['string', 'int'] };
/** What a value is, in words. */
export const WORDS = {
  int: 'a whole number',
  float: 'a number',
  string: 'a string',
  boolean: 'a boolean',
  null: 'null',
  enum: 'a name',
  list: 'a list',
  object: 'an object',
};

/** Whether a variable may stand where `ref` is wanted. A default of either makes up for null. */
export function fits({ ref, hasDefault }, wanted, hasLocalDefault) {
  if (isNonNull(wanted) && !isNonNull(ref)) return (hasDefault || hasLocalDefault) && within(ref, wanted.ofType);
  return within(ref, wanted);
}

function within(ref, wanted) {
  if (isNonNull(wanted)) return isNonNull(ref) && within(ref.ofType, wanted.ofType);
  if (isNonNull(ref)) return within(ref.ofType, wanted);
  if (wanted.kind === 'LIST' || ref.kind === 'LIST') return wanted.kind === ref.kind && within(ref.ofType, wanted.ofType);
  return ref.name === wanted.name;
}

/**
 * Checks a value, and notes the variables in it in `uses`. `ref` is undefined where it is not known what is wanted: variables
 * are noted all the same.
 */
export function checkValue(node, ref, { schema, report }, { uses, hasDefault = false } = {}) {
  const check = (value, inner, withDefault) => {
    if (value.kind === 'variable') {
      if (uses) uses.variables.push({ node: value, ref: inner, hasDefault: withDefault });
      else report(value, 'A variable cannot stand here.');
      return;
    }
    if (inner && isNonNull(inner) && value.kind === 'null')
      return report(value, `It has to be ${written(inner)}, and cannot be null.`);
    const type = inner && nullable(inner);
    if (value.kind === 'list') {
      if (type && type.kind !== 'LIST') report(value, `It has to be ${written(type)}, not a list.`);
      for (const item of value.items) check(item, type?.kind === 'LIST' ? type.ofType : undefined, false);
    } else if (type?.kind === 'LIST') {
      // A single value stands for a list of one.
      if (value.kind !== 'null') check(value, type.ofType, false);
    } else if (value.kind === 'object') fields(value, type);
    else if (type && value.kind !== 'null') leaf(value, schema.named(type));
  };

  const fields = (value, ref) => {
    const type = ref && schema.named(ref);
    const isKnown = type?.kind === 'INPUT_OBJECT';
    if (type && !isKnown && (type.kind === 'ENUM' || SCALARS[type.name]))
      report(value, `It has to be ${type.name}, not an object.`);
    const seen = new Set();
    for (const { name, value: inner } of value.fields) {
      const field = isKnown ? type.inputFields.get(name.text) : undefined;
      if (isKnown && !field)
        report(name, `${type.name} has no field “${name.text}”.${instead(name.text, type.inputFields.keys())}`);
      if (seen.has(name.text)) report(name, `“${name.text}” is given twice.`);
      seen.add(name.text);
      if (inner) check(inner, field?.type, Boolean(field && isNonNull(field.type) && !isRequired(field)));
    }
    for (const field of isKnown ? type.inputFields.values() : []) {
      if (isRequired(field) && !seen.has(field.name))
        report({ start: value.start, end: value.start + 1 }, `${type.name} needs “${field.name}: ${written(field.type)}”.`);
    }
  };

  const leaf = (value, type) => {
    if (type?.kind === 'ENUM') {
      if (value.kind !== 'enum')
        report(value, `It has to be one of ${names(type)}${value.kind === 'string' ? ', without quotes' : ''}.`);
      else if (!type.enumValues.has(value.text))
        report(value, `${type.name} has no value “${value.text}”.${instead(value.text, type.enumValues.keys())}`);
    } else if (type?.kind === 'INPUT_OBJECT') {
      report(value, `It has to be ${type.name}, an object within “{ }”.`);
    } else if (type?.name === 'Upload') {
      report(value, 'A file cannot be written here: declare a variable of the type Upload, and pick the file beside it.');
    } else if (SCALARS[type?.name] && !SCALARS[type.name].includes(value.kind)) {
      report(value, `It has to be ${type.name}, not ${WORDS[value.kind]}.`);
    } else if (value.kind === 'enum') {
      report(value, `“${value.text}” is neither a value of ${type?.name} nor in quotes.`);
    } else if (type?.name === 'Int' && Math.abs(Number(value.text)) > 2 ** 31 - (value.text.startsWith('-') ? 0 : 1)) {
      report(value, 'It does not fit into Int.');
    }
  };

  check(node, ref, hasDefault);
}

const names = ({ enumValues }) => [...enumValues.keys()].slice(0, 6).join(', ') + (enumValues.size > 6 ? ', …' : '');
