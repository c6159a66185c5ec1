// What a name in the document stands for in the schema.

import { scan } from './scan.js';
import { nameOf, written } from './schema.js';

/**
 * The name at an offset: `title` and `description`, and the `place` in the schema that says more. Undefined where there is none,
 * or none that the schema knows.
 */
export function describe(document, offset, schema) {
  const tokens = document.tokens.filter(({ kind }) => kind !== 'comment');
  const index = tokens.findIndex(({ kind, start, end }) => kind === 'name' && start <= offset && offset <= end);
  if (index < 0) return undefined;
  const { text } = tokens[index];
  const { kind, type, fields, ref, place } = scan(tokens, index, schema);
  const typed = (title, to, { description }) => ({ title: `${title}: ${written(to)}`, description, place: { type: nameOf(to) } });
  const ofType = (found) => found && { title: found.name, description: found.description, place: { type: found.name } };
  const known = {
    selection: () => {
      const field = schema.field(type, text);
      return (
        field && {
          ...typed(`${type.name}.${text}`, field.type, field),
          place: field.isMeta ? { type: nameOf(field.type) } : { type: type.name, field: text },
        }
      );
    },
    argument: () => fields?.get(text) && typed(text, fields.get(text).type, fields.get(text)),
    value: () => {
      const named = ref && schema.named(ref);
      const value = named?.enumValues.get(text);
      return value && { title: `${named.name}.${text}`, description: value.description, place: { type: named.name } };
    },
    use: () => ref && { title: `$${text}`, description: `Here it has to be ${written(ref)}.`, place: { type: nameOf(ref) } },
    type: () => ofType(schema.type(text)),
    directive: () => {
      const directive = schema.directives.get(text);
      return directive && place && { title: `@${text}`, description: directive.description, place: { directive: text } };
    },
  };
  return (known[{ entry: 'argument', condition: 'type' }[kind] ?? kind] ?? (() => undefined))();
}
