// The variables of an operation: what is wrong with those that are given, which of them are files, and examples of all.

import { parseJson, valueOf } from './json.js';
import { instead, isNonNull, isRequired, nullable, written } from './schema.js';
import { SCALARS, WORDS } from './values.js';

/** How deep inputs are followed: they may hold one another. */
const DEEPEST = 6;

const declared = (operation, schema) =>
  (operation?.variables ?? [])
    .filter(({ name }) => name)
    .map(({ name, type, initial }) => ({ name: name.text, type: schema.reference(type), defaultValue: initial ? '' : null }));

/** The variables with their types, as far as there are such types. */
export const variablesOf = (operation, schema) =>
  declared(operation, schema).map((variable) => ({ ...variable, text: variable.type ? written(variable.type) : 'unknown' }));

/**
 * Where the variables have room for files: each place as a `path` (`*` stands for every item of a list), its `name`, and
 * whether there has to be a file.
 */
export function filePlaces(operation, schema) {
  const places = [];
  const visit = (ref, path, isNeeded) => {
    if (!ref || path.length > DEEPEST) return;
    const needs = isNeeded && isNonNull(ref);
    const type = nullable(ref);
    if (type.kind === 'LIST') return visit(type.ofType, [...path, '*'], needs);
    const found = schema.type(type.name);
    if (found.name === 'Upload')
      places.push({ path, key: path.join('.'), name: `$${path.join('.')}`, isList: path.includes('*'), isRequired: needs });
    for (const field of found.inputFields.values()) visit(field.type, [...path, field.name], needs && isRequired(field));
  };
  for (const { name, type } of declared(operation, schema)) visit(type, [name], true);
  return places;
}

/**
 * Puts files into the variables: null where each belongs, and beside them by their paths. `chosen` has the files of each place
 * by its key.
 */
export function withFiles(variables, places, chosen) {
  const filled = structuredClone(variables);
  const files = {};
  for (const { path, key } of places) {
    (chosen.get(key) ?? []).forEach((file, index) => {
      const full = path.map((step, at) => (step === '*' ? (at === path.indexOf('*') ? index : 0) : step));
      full.slice(0, -1).reduce((holder, step, at) => {
        // What is there, unless it can hold nothing.
        if (typeof holder[step] !== 'object' || holder[step] === null) holder[step] = typeof full[at + 1] === 'number' ? [] : {};
        return holder[step];
      }, filled);
      full.slice(0, -1).reduce((holder, step) => holder[step], filled)[full.at(-1)] = null;
      files[`variables.${full.join('.')}`] = file;
    });
  }
  return { variables: filled, files };
}

/**
 * What is wrong with the variables for an operation. Files that are chosen are there; what `others` declare, those beside it in
 * the document, may be there. Where a file has to be chosen, a problem has the key of its `place`.
 */
export function checkVariables(json, operation, schema, chosen, others = []) {
  const problems = [];
  const places = filePlaces(operation, schema);
  const spare = new Set(others.flatMap((other) => declared(other, schema).map(({ name }) => name)));
  const report = ({ start, end }, message, place) => problems.push({ start, end, message, place });
  /** The key of the place for a file that is missing along with a path. */
  const placeAt = (path, type) => {
    const isFile = nullable(type).name === 'Upload';
    return places.find(({ key, isRequired: needs }) => (isFile ? key === path : needs && key.startsWith(`${path}.`)))?.key;
  };
  const holds = (path) => [...chosen].some(([key, files]) => files.length > 0 && (key === path || key.startsWith(`${path}.`)));

  const check = (node, ref, path) => {
    const type = nullable(ref);
    if (node.kind === 'null') {
      if (!isNonNull(ref) || holds(path)) return;
      const place = placeAt(path, ref);
      const wanted = place ? 'a file: choose it under the variables' : `${written(ref)}, and cannot be null`;
      report(node, `It has to be ${wanted}.`, place);
    } else if (type.kind === 'LIST') {
      if (node.kind === 'list') for (const item of node.items) check(item, type.ofType, `${path}.*`);
      else check(node, type.ofType, `${path}.*`);
    } else checkNamed(node, schema.type(type.name), path);
  };
  const checkNamed = (node, type, path) => {
    const { name, kind } = type;
    if (kind === 'ENUM') {
      const isKnown = node.kind === 'string' && type.enumValues.has(node.value);
      if (!isKnown) report(node, `It has to be one of ${[...type.enumValues.keys()].map((value) => `"${value}"`).join(', ')}.`);
    } else if (kind === 'INPUT_OBJECT') {
      if (node.kind === 'object') checkFields(node, type.inputFields, name, path);
      else report(node, `It has to be ${name}, an object.`);
    } else if (name === 'Upload') report(node, 'A file cannot be written here: choose it under the variables.');
    else if (SCALARS[name] && !SCALARS[name].includes(node.kind))
      report(node, `It has to be ${name}, not ${WORDS[node.kind]}.`);
  };
  const checkFields = (node, fields, of, path) => {
    const given = new Set();
    for (const { key, value, start, end } of node.entries) {
      const field = fields.get(key);
      if (given.has(key)) report({ start, end }, `“${key}” is given twice.`);
      given.add(key);
      if (field?.type) check(value, field.type, path ? `${path}.${key}` : key);
      else if (!field && (path || !spare.has(key)))
        report({ start, end }, `${of} has no ${path ? 'field' : 'variable'} “${key}”.${instead(key, fields.keys())}`);
    }
    for (const { name, type, ...rest } of fields.values()) {
      const inner = path ? `${path}.${name}` : name;
      if (type && isRequired({ type, ...rest }) && !given.has(name) && !holds(inner)) {
        const place = placeAt(inner, type);
        const way = place === inner ? ' Choose it under the variables.' : '';
        report(
          { start: node.start, end: Math.min(node.end, node.start + 1) },
          `“${path ? '' : '$'}${name}” of type ${written(type)} is missing.${way}`,
          place,
        );
      }
    }
  };

  if (json.node?.kind === 'object')
    checkFields(
      json.node,
      new Map(declared(operation, schema).map((variable) => [variable.name, variable])),
      'The operation',
      '',
    );
  else if (json.node) report(json.node, 'The variables are one object, within “{ }”.');
  return problems;
}

/** The variables as a text with all that is missing and has to be given, to be filled in. */
export function filledIn(text, operation, schema) {
  const { node } = parseJson(text);
  const given = node?.kind === 'object' ? valueOf(node) : {};
  const sample = (ref, depth) => {
    const type = nullable(ref);
    if (type.kind === 'LIST')
      return depth > DEEPEST || schema.named(type).kind !== 'INPUT_OBJECT' ? [] : [sample(type.ofType, depth + 1)];
    const found = schema.type(type.name);
    if (found.kind === 'ENUM') return found.enumValues.keys().next().value;
    if (found.kind === 'INPUT_OBJECT') return depth > DEEPEST ? {} : object(found.inputFields, {}, depth);
    return { Int: 0, Float: 0, Boolean: false, String: '', ID: '' }[found.name] ?? null;
  };
  const object = (fields, had, depth) => {
    const filled = { ...had };
    for (const { name, type, ...rest } of fields.values()) {
      if (name in filled || !type || nullable(type).name === 'Upload') continue;
      if (isRequired({ type, ...rest })) filled[name] = sample(type, depth + 1);
    }
    return filled;
  };
  const variables = new Map(declared(operation, schema).map((variable) => [variable.name, variable]));
  return JSON.stringify(object(variables, given, 0), null, 2);
}
