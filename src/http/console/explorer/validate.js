// What is wrong with a document before it is sent: the rules of the specification that people trip over, each told at its place.

import { instead, isComposite, isInput, isNonNull, isRequired, nullable, written } from './schema.js';
import { checkValue, fits } from './values.js';

/** After how many mistakes it stops. */
const MOST = 50;
const ENOUGH = Symbol('enough');
const LOCATIONS = {
  query: 'QUERY',
  mutation: 'MUTATION',
  subscription: 'SUBSCRIPTION',
  field: 'FIELD',
  spread: 'FRAGMENT_SPREAD',
  inline: 'INLINE_FRAGMENT',
  fragment: 'FRAGMENT_DEFINITION',
  variable: 'VARIABLE_DEFINITION',
};

/** The mistakes in a parsed document, in their order, each with `start`, `end` and `message`. */
export function validate(document, schema) {
  const validation = new Validation(document, schema);
  try {
    validation.run();
  } catch (reason) {
    if (reason !== ENOUGH) throw reason;
  }
  return validation.problems.sort((one, other) => one.start - other.start);
}

class Validation {
  problems = [];

  constructor({ definitions }, schema) {
    this.schema = schema;
    this.definitions = definitions;
    this.fragments = new Map(
      definitions.filter(({ kind, name }) => kind === 'fragment' && name).map((fragment) => [fragment.name.text, fragment]),
    );
    /** By fragment: the variables and fragments that it uses itself. */
    this.uses = new Map();
  }

  report = ({ start, end }, message) => {
    if (this.problems.push({ start, end, message }) >= MOST) throw ENOUGH;
  };

  run() {
    const operations = this.definitions.filter(({ kind }) => kind === 'operation');
    this.unique(
      operations.map(({ name }) => name),
      'operation',
    );
    this.unique(
      this.definitions.filter(({ kind }) => kind === 'fragment').map(({ name }) => name),
      'fragment',
    );
    for (const { kind, name, start, end } of operations.length > 1 ? operations : []) {
      if (!name) this.report({ start, end: Math.min(end, start + 1) }, `One ${kind} of several needs a name.`);
    }
    for (const fragment of this.definitions.filter(({ kind }) => kind === 'fragment')) this.fragment(fragment);
    const used = new Set();
    for (const operation of operations) for (const name of this.operation(operation)) used.add(name);
    for (const [name, { name: at }] of this.fragments) {
      if (this.#expanded(this.uses.get(name)).used.has(name)) this.report(at, `The fragment “${name}” spreads itself.`);
    }
    for (const { name } of this.fragments.values())
      if (!used.has(name.text)) this.report(name, `The fragment “${name.text}” is not used.`);
  }

  unique(names, what) {
    const seen = new Set();
    for (const name of names) {
      if (!name) continue;
      if (seen.has(name.text)) this.report(name, `There is another ${what} “${name.text}”.`);
      seen.add(name.text);
    }
  }

  /** Checks a type that is named where one with fields is needed. Undefined where there is none. */
  composite(name) {
    const type = name && this.schema.type(name.text);
    if (name && !type) this.report(name, `There is no type “${name.text}”.${instead(name.text, this.schema.types.keys())}`);
    else if (type && !isComposite(type)) this.report(name, `“${name.text}” has no fields to select.`);
    return isComposite(type) ? type : undefined;
  }

  fragment(fragment) {
    const type = this.composite(fragment.on);
    const uses = { variables: [], spreads: [] };
    if (fragment.name && !this.uses.has(fragment.name.text)) this.uses.set(fragment.name.text, uses);
    this.directives(fragment.directives, 'fragment', uses);
    this.selections(fragment.selections, type, uses);
  }

  /** Checks an operation. Answers the names of the fragments that it uses. */
  operation({ operation, name, variables, directives, selections, start }) {
    const { schema } = this;
    const root = schema.roots[operation];
    if (!root) this.report({ start, end: start + operation.length }, `This API has no ${operation}s.`);
    const uses = { variables: [], spreads: [] };
    const defined = this.variables(variables);
    this.directives(directives, operation, uses);
    this.selections(selections, root, uses);
    if (operation === 'subscription' && (selections?.items.filter(({ kind }) => kind === 'field').length ?? 0) > 1) {
      const [, second] = selections.items.filter(({ kind }) => kind === 'field');
      this.report(second.name ?? second, 'A subscription has one field at its root.');
    }
    const { all, used } = this.#expanded(uses);
    const where = name ? `“${name.text}”` : `the ${operation}`;
    const seen = new Set();
    for (const { node, ref, hasDefault } of all) {
      const variable = defined.get(node.name.text);
      if (!variable) {
        if (!seen.has(node.start))
          this.report(node, `“$${node.name.text}” is not declared by ${where}.${instead(node.name.text, defined.keys())}`);
      } else if (ref && variable.ref && !fits(variable, ref, hasDefault)) {
        this.report(node, `“$${node.name.text}” is ${written(variable.ref)}; here it has to be ${written(ref)}.`);
      }
      seen.add(node.start);
      if (variable) variable.isUsed = true;
    }
    for (const { isUsed, node } of defined.values()) {
      if (!isUsed) this.report({ start: node.start, end: node.name.end }, `“$${node.name.text}” is not used.`);
    }
    return used;
  }

  /** The variables of a definition and of what it spreads, and the names of that. */
  #expanded(uses) {
    const used = new Set();
    const all = [...uses.variables];
    const wait = [...uses.spreads];
    while (wait.length > 0) {
      const { text } = wait.pop();
      const inner = this.uses.get(text);
      if (!inner || used.has(text)) continue;
      used.add(text);
      all.push(...inner.variables);
      wait.push(...inner.spreads);
    }
    return { all, used };
  }

  variables(nodes) {
    const { schema } = this;
    this.unique(
      nodes.map(({ name }) => name),
      'variable',
    );
    const defined = new Map();
    for (const node of nodes) {
      if (!node.name) continue;
      const ref = schema.reference(node.type);
      let at = node.type;
      while (at?.kind === 'list') at = at.of;
      const type = at && schema.type(at.name.text);
      if (at && !type) {
        const inputs = [...schema.types.values()].filter(isInput).map(({ name }) => name);
        this.report(at.name, `There is no type “${at.name.text}”.${instead(at.name.text, inputs)}`);
      } else if (type && !isInput(type)) {
        this.report(at.name, `“${type.name}” is what the API answers, and cannot be sent.`);
      }
      if (node.initial && ref && isInput(type)) checkValue(node.initial, ref, this);
      this.directives(node.directives, 'variable');
      defined.set(node.name.text, { node, ref, hasDefault: Boolean(node.initial && node.initial.kind !== 'null') });
    }
    return defined;
  }

  directives(nodes, place, uses) {
    for (const { name, args } of nodes) {
      if (!name) continue;
      const directive = this.schema.directives.get(name.text);
      if (!directive)
        this.report(name, `There is no directive “@${name.text}”.${instead(name.text, this.schema.directives.keys())}`);
      else if (!directive.locations.includes(LOCATIONS[place])) this.report(name, `“@${name.text}” cannot stand here.`);
      this.arguments(args, directive?.args, `“@${name.text}”`, name, uses);
    }
  }

  arguments(nodes, args, of, at, uses) {
    this.unique(
      nodes.map(({ name }) => name),
      'argument',
    );
    for (const { name, value } of nodes) {
      const arg = args?.get(name?.text);
      if (args && name && !arg) this.report(name, `${of} has no argument “${name.text}”.${instead(name.text, args.keys())}`);
      if (value) checkValue(value, arg?.type, this, { uses, hasDefault: arg && !isRequired(arg) && isNonNull(arg.type) });
    }
    for (const arg of args?.values() ?? []) {
      if (isRequired(arg) && !nodes.some(({ name }) => name?.text === arg.name)) {
        this.report(at, `${of} needs the argument “${arg.name}: ${written(arg.type)}”.`);
      }
    }
  }

  /** `type` is undefined where something above is wrong already; variables and fragments are looked at all the same. */
  selections(node, type, uses) {
    const names = new Map();
    for (const item of node?.items ?? []) {
      if (item.kind === 'field') this.field(item, type, uses, names);
      else if (item.kind === 'spread') this.spread(item, type, uses);
      else this.inline(item, type, uses);
    }
  }

  field({ alias, name, args, directives, selections }, type, uses, names) {
    if (!name) return;
    const field = type && this.schema.field(type, name.text);
    if (type && !field)
      this.report(name, `There is no field “${name.text}” on ${type.name}.${instead(name.text, type.fields.keys())}`);
    const shown = (alias ?? name).text;
    const other = names.get(shown);
    if (other && other !== name.text)
      this.report(alias ?? name, `“${shown}” is already the name of another field here. Give it an alias.`);
    names.set(shown, name.text);
    this.directives(directives, 'field', uses);
    this.arguments(args, field?.args, `“${name.text}”`, name, uses);
    const inner = field && this.schema.named(field.type);
    if (field && isComposite(inner) && !selections)
      this.report(name, `“${name.text}” is ${written(field.type)}: say which of its fields, within “{ }”.`);
    if (field && inner && !isComposite(inner) && selections)
      this.report(selections, `“${name.text}” is ${written(nullable(field.type))}, which has no fields to select.`);
    this.selections(selections, isComposite(inner) ? inner : undefined, uses);
  }

  spread({ name, directives }, type, uses) {
    this.directives(directives, 'spread', uses);
    if (!name) return;
    uses.spreads.push(name);
    const fragment = this.fragments.get(name.text);
    if (!fragment) return this.report(name, `There is no fragment “${name.text}”.${instead(name.text, this.fragments.keys())}`);
    this.#possible(name, type, fragment.on && this.schema.type(fragment.on.text));
  }

  inline({ on, directives, selections }, type, uses) {
    this.directives(directives, 'inline', uses);
    const inner = on ? this.composite(on) : type;
    if (on) this.#possible(on, type, inner);
    this.selections(selections, inner, uses);
  }

  #possible(at, type, inner) {
    if (isComposite(type) && isComposite(inner) && !this.schema.overlap(type, inner))
      this.report(at, `${type.name} is never ${inner.name}.`);
  }
}
