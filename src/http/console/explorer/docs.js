// The schema to be read: its types, fields and arguments, each a step from another, with a search over all of them.

import { el, newId } from '../dom.js';
import { button, iconButton } from './button.js';
import { instead, isRequired, nameOf, written } from './schema.js';

/** How many findings are shown. */
const MOST = 60;
const KINDS = { OBJECT: 'Object', INTERFACE: 'Interface', UNION: 'Union', ENUM: 'Enum', INPUT_OBJECT: 'Input', SCALAR: 'Scalar' };

/** The pane. `insert` puts a field into the query. */
export class Docs {
  #schema = null;
  #insert;
  /** Where somebody has been, the latest last: nothing for the beginning, or `{ type, field }`, or `{ directive }`. */
  #trail = [{}];
  #body = el('div', { class: 'docs-body' });
  #crumbs = el('nav', { class: 'docs-crumbs', 'aria-label': 'Where in the schema' });

  constructor({ insert }) {
    this.#insert = insert;
    const id = newId('docs');
    this.search = el('input', {
      id,
      type: 'search',
      placeholder: 'Search types and fields',
      autocomplete: 'off',
      spellcheck: 'false',
      on: { input: () => this.#draw() },
    });
    this.element = el(
      'div',
      { class: 'docs' },
      el('label', { class: 'visually-hidden', for: id }, 'Search types and fields'),
      this.search,
      this.#crumbs,
      this.#body,
    );
    this.say(el('p', { class: 'hint' }, 'Loading…'));
  }

  /** Shows something in place of the schema. */
  say(...content) {
    this.#body.replaceChildren(...content);
  }

  load(schema) {
    this.#schema = schema;
    this.#draw();
  }

  /** Goes to a type, a field, or a directive. */
  show(place) {
    this.search.value = '';
    const same = JSON.stringify(place);
    if (JSON.stringify(this.#trail.at(-1)) !== same) this.#trail.push(place);
    this.#draw();
    this.#body.closest('.explorer-side')?.scrollTo(0, 0);
  }

  #draw() {
    if (!this.#schema) return;
    const wanted = this.search.value.trim().toLowerCase();
    this.#drawCrumbs(wanted);
    const { type, field, directive } = this.#trail.at(-1);
    if (wanted) this.say(...this.#findings(wanted));
    else if (directive) this.say(...this.#directive(this.#schema.directives.get(directive)));
    else if (field) this.say(...this.#field(this.#schema.type(type), field));
    else if (type) this.say(...this.#type(this.#schema.type(type)));
    else this.say(...this.#beginning());
  }

  #drawCrumbs(wanted) {
    const trail = wanted ? [{}] : this.#trail;
    this.#crumbs.hidden = trail.length < 2;
    const word = ({ type, field, directive }) => field ?? type ?? (directive ? `@${directive}` : 'Schema');
    const last = trail.slice(-3);
    const crumbs = [...(trail.length > 3 ? [{}] : []), ...last].map((place, index, all) => {
      const isHere = index === all.length - 1;
      const back = () => {
        this.#trail =
          place === last[index - (all.length - last.length)] ? this.#trail.slice(0, this.#trail.lastIndexOf(place) + 1) : [{}];
        this.#draw();
        this.#crumbs.querySelector('[aria-current]')?.focus();
        if (this.#crumbs.hidden) this.search.focus();
      };
      return el('li', {}, button('link', back, word(place), { 'aria-current': isHere ? 'page' : null }));
    });
    this.#crumbs.replaceChildren(el('ol', {}, ...crumbs));
  }

  #beginning() {
    const { roots, types, directives } = this.#schema;
    const rows = Object.entries(roots)
      .filter(([, type]) => type)
      .map(([operation, type]) => this.#row([`${operation}: `, this.#link(type.name)], type.description));
    const groups = Object.entries(KINDS).map(([kind, name]) => {
      const own = [...types.values()].filter(
        (type) => type.kind === kind && !type.name.startsWith('__') && !Object.values(roots).includes(type),
      );
      return own.length > 0 && section(`${name}s`, list(own.map((type) => el('li', {}, this.#link(type.name)))));
    });
    const all = [...directives.values()].map(({ name }) => el('li', {}, this.#step(`@${name}`, { directive: name })));
    return [section('Where operations begin', list(rows)), ...groups, section('Directives', list(all))].filter(Boolean);
  }

  #type(type) {
    const schema = this.#schema;
    const operation = Object.entries(schema.roots).find(([, root]) => root === type)?.[0];
    const users = operation
      ? []
      : [...schema.types.values()].flatMap((other) =>
          [...other.fields.values()]
            .filter(
              (field) =>
                !other.name.startsWith('__') &&
                [field, ...field.args.values()].some(({ type: ref }) => nameOf(ref) === type.name),
            )
            .map(({ name }) => [other.name, name]),
        );
    return [
      el('h3', { class: 'docs-title' }, type.name, el('span', { class: 'badge-kind' }, KINDS[type.kind])),
      prose(type.description),
      type.interfaces.length > 0 && el('p', {}, 'Implements ', ...commas(type.interfaces.map((name) => this.#link(name)))),
      type.specifiedByURL &&
        el('p', {}, el('a', { href: type.specifiedByURL, target: '_blank', rel: 'noopener noreferrer' }, 'Its specification')),
      type.possibleTypes.length > 0 && section('Can be', list(type.possibleTypes.map((name) => el('li', {}, this.#link(name))))),
      type.fields.size > 0 && section('Fields', list([...type.fields.values()].map((field) => this.#fieldRow(type, field)))),
      type.inputFields.size > 0 && section('Fields', list([...type.inputFields.values()].map((input) => this.#input(input)))),
      type.enumValues.size > 0 &&
        section(
          'Values',
          list([...type.enumValues.values()].map((value) => this.#row([el('code', {}, value.name)], value.description, value))),
        ),
      users.length > 0 &&
        section('Used by', list(users.map(([of, name]) => el('li', {}, this.#step(`${of}.${name}`, { type: of, field: name }))))),
    ].filter(Boolean);
  }

  #field(type, name) {
    const field = this.#schema.field(type, name);
    if (!field)
      return [el('p', { class: 'hint' }, `There is no field “${name}” on ${type.name}.${instead(name, type.fields.keys())}`)];
    return [
      el('h3', { class: 'docs-title' }, name, type.kind !== 'INPUT_OBJECT' && this.#put(type, field)),
      el('p', { class: 'docs-signature' }, this.#ref(field.type)),
      prose(field.description),
      deprecation(field),
      field.args.size > 0 && section('Arguments', list([...field.args.values()].map((arg) => this.#input(arg)))),
      section('On', list([el('li', {}, this.#link(type.name))])),
    ].filter(Boolean);
  }

  #directive({ name, description, args, locations }) {
    return [
      el('h3', { class: 'docs-title' }, `@${name}`),
      prose(description),
      args.size > 0 && section('Arguments', list([...args.values()].map((arg) => this.#input(arg)))),
      section('Stands on', el('p', {}, locations.join(', ').toLowerCase().replaceAll('_', ' '))),
    ].filter(Boolean);
  }

  #fieldRow(type, field) {
    const args = [...field.args.values()].map(({ name }) => name);
    const some = args.length > 3 ? [...args.slice(0, 3), '…'] : args;
    const row = this.#row(
      [
        this.#step(field.name, { type: type.name, field: field.name }),
        args.length > 0 && el('span', { class: 'docs-args' }, `(${some.join(', ')})`),
        ': ',
        this.#ref(field.type),
      ],
      field.description,
      field,
    );
    row.firstElementChild.append(this.#put(type, field));
    return row;
  }

  #input(input) {
    const initial = input.defaultValue === null || input.defaultValue === undefined ? null : ` = ${input.defaultValue}`;
    const head = [
      el('code', {}, input.name),
      ': ',
      this.#ref(input.type),
      initial && el('code', { class: 'docs-default' }, initial),
      isRequired(input) && el('span', { class: 'note' }, 'required'),
    ];
    return this.#row(head, input.description, input);
  }

  #row(head, description, item = {}) {
    return el(
      'li',
      { class: item.isDeprecated ? 'deprecated' : null },
      el('p', { class: 'docs-head' }, ...head.filter(Boolean)),
      prose(description),
      deprecation(item),
    );
  }

  #put(type, field) {
    return iconButton('plus', `Put ${field.name} into the query`, () => this.#insert(type, field), 'docs-insert');
  }

  /** A reference with a link in it. */
  #ref(ref) {
    const [before, after] = written(ref).split(nameOf(ref));
    return el('code', {}, before, this.#link(nameOf(ref)), after);
  }
  #link(name) {
    return this.#step(name, { type: name }, 'link t-type');
  }
  #step(text, place, name = 'link') {
    const go = () => {
      this.show(place);
      this.#crumbs.querySelector('[aria-current]')?.focus({ preventScroll: true });
    };
    return button(name, go, text);
  }

  #findings(wanted) {
    const found = [];
    for (const type of this.#schema.types.values()) {
      if (type.name.startsWith('__')) continue;
      const has = (text) => text?.toLowerCase().includes(wanted);
      if (has(type.name))
        found.push([
          type.name.toLowerCase().startsWith(wanted) ? 0 : 2,
          el('li', {}, this.#link(type.name), el('span', { class: 'note' }, KINDS[type.kind])),
        ]);
      for (const { name, args } of [...type.fields.values(), ...type.inputFields.values()]) {
        const place = type.kind === 'INPUT_OBJECT' ? { type: type.name } : { type: type.name, field: name };
        const arg = args && [...args.keys()].find(has);
        if (has(name) || arg)
          found.push([
            has(name) ? (name.toLowerCase().startsWith(wanted) ? 1 : 3) : 4,
            el('li', {}, this.#step(`${type.name}.${name}`, place), arg && el('span', { class: 'docs-args' }, `(${arg})`)),
          ]);
      }
      for (const { name } of type.enumValues.values())
        if (has(name)) found.push([3, el('li', {}, this.#step(`${type.name}.${name}`, { type: type.name }))]);
    }
    found.sort(([one], [other]) => one - other);
    const count = `${found.length} found${found.length > MOST ? `; the first ${MOST} are shown` : ''}`;
    return [
      el('p', { class: 'hint', role: 'status' }, found.length > 0 ? count : `Nothing has “${wanted}” in its name.`),
      list(found.slice(0, MOST).map(([, row]) => row)),
    ];
  }
}

const section = (title, content) => el('section', {}, el('h3', { class: 'docs-section' }, title), content);
const list = (items) => el('ul', { class: 'docs-list' }, ...items);
const commas = (items) => items.flatMap((item, index) => (index > 0 ? [', ', item] : [item]));
const deprecation = ({ isDeprecated, deprecationReason }) =>
  isDeprecated && el('p', { class: 'docs-deprecated' }, deprecationReason ? `Deprecated: ${deprecationReason}` : 'Deprecated.');

/** A description. Of Markdown it knows paragraphs and what is within backticks. */
export function prose(text) {
  if (!text) return null;
  return el(
    'div',
    { class: 'prose' },
    ...text
      .split(/\n\s*\n/)
      .map((paragraph) =>
        el(
          'p',
          {},
          ...paragraph.split(/(`[^`]+`)/).map((part) => (/^`[^`]+`$/.test(part) ? el('code', {}, part.slice(1, -1)) : part)),
        ),
      ),
  );
}
