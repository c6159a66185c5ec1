// The variables: a field for their JSON, what the operation declares, and a picker for each that is a file.

import { el, newId } from '../dom.js';
import { bytes, plural } from '../format.js';
import { button, iconButton } from './button.js';
import { Editor } from './editor.js';
import { checkVariables, filePlaces, filledIn, variablesOf, withFiles } from './inputs.js';
import { parseJson, valueOf } from './json.js';

/** The pane. Tells `change`. */
export class Variables extends EventTarget {
  #operation;
  #others = [];
  #schema = null;
  /** The files of each place, by its key. They stay while other operations are looked at. */
  #chosen = new Map();
  #places = [];
  #declared = el('ul', { class: 'declared', 'aria-label': 'Declared by the operation' });
  #files = el('ul', { class: 'files-to-send', 'aria-label': 'Files' });
  #key = '';
  /** The place that somebody was asked to choose a file for. */
  #asked = null;

  constructor() {
    super();
    this.editor = new Editor({
      label: 'Variables, as JSON',
      hint: 'Tab leaves the field. Ctrl+Enter runs the operation.',
      colours: (text) => parseJson(text).tokens,
    });
    this.fill = button('button small', () => this.#fillIn(), 'Fill in');
    this.element = el('div', { class: 'variables' }, this.#declared, this.editor.element, this.#files);
    this.editor.addEventListener('change', () => this.#changed());
  }

  /** Follows the operation that would run, one of all. Answers whether it declares something else. */
  follow(operation, schema, all) {
    this.#operation = operation;
    this.#others = all;
    this.#schema = schema;
    const declared = schema ? variablesOf(operation, schema) : [];
    const key = JSON.stringify([
      operation?.operation,
      declared.map(({ name, text, defaultValue }) => [name, text, defaultValue]),
    ]);
    if (key === this.#key) return false;
    this.#key = key;
    this.#asked = null;
    this.#places = schema ? filePlaces(operation, schema) : [];
    this.#declared.hidden = declared.length === 0;
    this.#declared.replaceChildren(
      ...declared.map(({ name, text }) =>
        el('li', {}, el('code', { class: 't-variable' }, `$${name}`), ': ', el('code', { class: 't-type' }, text)),
      ),
    );
    this.fill.hidden = declared.length === 0;
    this.#drawFiles();
    return true;
  }

  /** Mistakes in the variables. That a file is missing is said once: beside its button, where it has been asked for. */
  get problems() {
    return this.#mistakes.filter(({ place }) => !place || place !== this.#asked);
  }

  get #mistakes() {
    const json = parseJson(this.editor.text);
    if (json.problems.length > 0 || !this.#schema) return json.problems;
    return checkVariables(json, this.#operation, this.#schema, this.#relevant(), this.#others);
  }

  /** What to send: `variables` and `files`; null where the JSON is none. */
  get value() {
    const { node } = parseJson(this.editor.text);
    if (node?.kind !== 'object') return null;
    return withFiles(valueOf(node), this.#places, this.#relevant());
  }

  /** The place of a file that has to be chosen before anything can be sent, by its key. */
  get missingFile() {
    return this.#mistakes.find(({ place }) => place)?.place;
  }

  /** Says that a file has to be chosen, at the button that does it. */
  askFor(key) {
    this.#asked = key;
    this.#drawFiles();
    this.#focus(key);
  }

  /** Begins anew, as with an operation that has not been run yet. */
  reset(text) {
    this.#asked = null;
    this.#drawFiles();
    this.editor.set(text);
  }

  #focus(key) {
    this.#files.querySelector(`[data-key="${CSS.escape(key)}"] button`)?.focus();
  }

  #relevant() {
    return new Map([...this.#chosen].filter(([key]) => this.#places.some((place) => place.key === key)));
  }

  #fillIn() {
    if (this.#schema) this.editor.set(filledIn(this.editor.text, this.#operation, this.#schema));
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }

  #drawFiles() {
    this.#files.hidden = this.#places.length === 0;
    this.#files.replaceChildren(...this.#places.map((place) => this.#row(place)));
  }

  #row(place) {
    const files = this.#chosen.get(place.key) ?? [];
    const id = newId('file');
    const input = el('input', {
      type: 'file',
      id,
      class: 'visually-hidden',
      multiple: place.isList,
      tabindex: '-1',
      'aria-label': place.name,
      'data-place': place.key,
    });
    input.addEventListener('change', () => this.#choose(place, [...input.files]));
    const name = files.length === 0 ? 'No file chosen' : files.length === 1 ? files[0].name : plural(files.length, 'file');
    const size = files.reduce((sum, file) => sum + file.size, 0);
    const pick = button('button small', () => input.click(), place.isList ? 'Choose files…' : 'Choose a file…');
    const isAsked = files.length === 0 && place.key === this.#asked;
    const ask = isAsked && el('span', { class: 'error', role: 'alert' }, 'Choose a file first. Nothing has been sent.');
    const remove = files.length > 0 && iconButton('close', `Remove ${name}`, () => this.#choose(place, []));
    return el(
      'li',
      { 'data-key': place.key, class: isAsked ? 'is-asked' : null },
      el('code', { class: 't-variable' }, place.name),
      pick,
      input,
      ask ||
        el('span', { class: files.length > 0 ? 'chosen' : 'hint' }, el('bdi', {}, name), files.length > 0 && ` (${bytes(size)})`),
      remove,
    );
  }

  #choose(place, files) {
    if (files.length > 0) this.#chosen.set(place.key, place.isList ? files : files.slice(0, 1));
    else this.#chosen.delete(place.key);
    this.#drawFiles();
    this.#focus(place.key);
    this.#changed();
  }

  /** Files that are dragged here go where they are dropped, or to the first place that there is. They never replace the page. */
  drag(event) {
    if (![...event.dataTransfer.types].includes('Files')) return;
    event.preventDefault();
    event.stopPropagation();
    if (this.#places.length === 0) event.dataTransfer.dropEffect = 'none';
    if (event.type !== 'drop' || this.#places.length === 0) return;
    const key = event.target.closest('[data-key]')?.dataset.key;
    this.#choose(this.#places.find((place) => place.key === key) ?? this.#places[0], [...event.dataTransfer.files]);
  }
}
