// What the API has, as it says of itself: an answer to an introspection, with everything found by its name.

/** Asks for everything that the specification lets one ask for. */
export const INTROSPECTION = `query Introspection {
  __schema {
    queryType { name }
    mutationType { name }
    subscriptionType { name }
    types { ...Type }
    directives { name description locations isRepeatable args(includeDeprecated: true) { ...Input } }
  }
}
fragment Type on __Type {
  kind name description specifiedByURL
  fields(includeDeprecated: true) {
    name description isDeprecated deprecationReason
    args(includeDeprecated: true) { ...Input }
    type { ...Ref }
  }
  inputFields(includeDeprecated: true) { ...Input }
  interfaces { ...Ref }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...Ref }
}
fragment Input on __InputValue {
  name description defaultValue isDeprecated deprecationReason type { ...Ref }
}
fragment Ref on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } }
}`;

const byName = (items) => new Map((items ?? []).map((item) => [item.name, item]));
const withArguments = (item) => ({ ...item, args: byName(item.args) });

/** The types, the directives, and where operations begin. */
export class Schema {
  constructor({ __schema: { types, directives, queryType, mutationType, subscriptionType } }) {
    this.types = byName(
      types.map((type) => ({
        ...type,
        fields: byName(type.fields?.map(withArguments)),
        inputFields: byName(type.inputFields),
        enumValues: byName(type.enumValues),
        interfaces: (type.interfaces ?? []).map(({ name }) => name),
        possibleTypes: (type.possibleTypes ?? []).map(({ name }) => name),
      })),
    );
    this.directives = byName(directives.map(withArguments));
    const root = (type) => (type ? this.types.get(type.name) : undefined);
    this.roots = { query: root(queryType), mutation: root(mutationType), subscription: root(subscriptionType) };
  }

  type(name) {
    return this.types.get(name);
  }

  /** The type at the bottom of a reference, without lists. */
  named(ref) {
    return this.types.get(nameOf(ref));
  }

  /** A field of a type, with those that every type has. */
  field(type, name) {
    if (name === '__typename') return isComposite(type) ? TYPENAME : undefined;
    if (type === this.roots.query && META[name]) return META[name];
    return type?.fields.get(name);
  }

  /** The names of the objects that something of this type can be. */
  possible(type) {
    return type.kind === 'OBJECT' ? [type.name] : type.possibleTypes;
  }

  /** Whether something can be of both types. */
  overlap(one, other) {
    const names = this.possible(other);
    return this.possible(one).some((name) => names.includes(name));
  }

  /** The reference that a type in a document stands for; undefined where there is no such type. */
  reference(node) {
    if (!node) return undefined;
    const inner = node.kind === 'list' ? this.reference(node.of) : this.types.get(node.name.text);
    if (!inner) return undefined;
    const ref = node.kind === 'list' ? { kind: 'LIST', ofType: inner } : { kind: inner.kind, name: inner.name };
    return node.isRequired ? { kind: 'NON_NULL', ofType: ref } : ref;
  }
}

const text = (name) => ({ kind: 'NON_NULL', ofType: { kind: 'SCALAR', name } });
const meta = (name, description, type, args = new Map()) => ({ name, description, type, args, isMeta: true });
const TYPENAME = meta('__typename', 'The name of the object’s type.', text('String'));
const META = {
  __schema: meta('__schema', 'What this API has.', { kind: 'NON_NULL', ofType: { kind: 'OBJECT', name: '__Schema' } }),
  __type: meta(
    '__type',
    'One type of this API.',
    { kind: 'OBJECT', name: '__Type' },
    byName([{ name: 'name', type: text('String') }]),
  ),
};

export const nameOf = (ref) => (ref.ofType ? nameOf(ref.ofType) : ref.name);

/** A reference as it is written, e.g. `[ID!]!`. */
export function written({ kind, name, ofType }) {
  if (kind === 'NON_NULL') return `${written(ofType)}!`;
  return kind === 'LIST' ? `[${written(ofType)}]` : name;
}

export const isNonNull = ({ kind }) => kind === 'NON_NULL';
export const nullable = (ref) => (isNonNull(ref) ? ref.ofType : ref);
/** Whether an argument or a field of an input has to be given. */
export const isRequired = ({ type, defaultValue }) => isNonNull(type) && (defaultValue === null || defaultValue === undefined);
export const isComposite = (type) => ['OBJECT', 'INTERFACE', 'UNION'].includes(type?.kind);
export const isInput = (type) => ['SCALAR', 'ENUM', 'INPUT_OBJECT'].includes(type?.kind);

/** Up to three of these names that somebody may have meant. */
function similar(name, names) {
  const most = Math.max(2, Math.floor(name.length * 0.4));
  const folded = name.toLowerCase();
  return [...names]
    .map((other) => [other, distance(folded, other.toLowerCase())])
    .filter(([other, far]) => far <= most || (name.length > 2 && other.toLowerCase().includes(folded)))
    .sort(([, one], [, other]) => one - other)
    .slice(0, 3)
    .map(([other]) => other);
}

/** “ Did you mean …?”, where there is something like it. */
export function instead(name, names) {
  const found = similar(name, names).map((other) => `“${other}”`);
  return found.length > 0 ? ` Did you mean ${found.join(' or ')}?` : '';
}

/** How many letters have to be changed, added or left out. */
function distance(one, other) {
  if (Math.abs(one.length - other.length) > 10 || one.length > 60) return Infinity;
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row.at(-1);
}
