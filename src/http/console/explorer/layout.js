// The panes of the explorer and what is above them. On a desk they are side by side; on a phone one is shown at a time.

import { byId, el } from '../dom.js';
import { icon } from '../icons.js';
import { button, iconButton } from './button.js';

const SIDES = { docs: 'Docs', history: 'History' };
const KEY = 'strongroom.explorer.side';
const isMac = /Mac|iP(hone|ad)/.test(navigator.platform);
const key = (text) => (isMac ? text.replace('Ctrl', '⌘').replace('Shift', '⇧') : text);

/** Puts the parts into the page. */
export class Layout {
  #root = byId('explorer');
  #parts;
  #tabs = {};
  #sides = {};
  #toggles = {};
  #side = null;
  #title = el('h2', { id: 'explorer-side' });
  #who = el('p', { class: 'explorer-who' });
  #operation = el('select', { id: 'explorer-operation' });
  #choice;
  #runs;
  #run;

  constructor(parts) {
    this.#parts = parts;
    this.#run = button('button primary explorer-run', parts.run, []);
    this.running(null);
    this.#choice = el(
      'span',
      { class: 'explorer-choice', hidden: true },
      el('label', { class: 'visually-hidden', for: 'explorer-operation' }, 'Operation to run'),
      this.#operation,
    );
    this.#operation.addEventListener('change', () => this.#runs[this.#operation.selectedIndex]?.choose());
    const examples = button('button', () => parts.examples(examples), 'Examples', { 'aria-haspopup': 'menu' });
    const tidy = button('button', parts.prettify, 'Prettify', { title: key('Shift+Ctrl+P') });
    const bar = el(
      'div',
      { class: 'explorer-bar', role: 'group', 'aria-label': 'Tools' },
      this.#run,
      this.#choice,
      tidy,
      examples,
      this.#who,
      ...Object.entries(SIDES).map(([name, text]) => this.#toggle(name, text)),
    );
    const grid = el('div', { class: 'explorer-grid' }, ...this.#panes());
    this.#root.append(bar, this.#tabList(), grid);
    this.pane('query');
    const kept = localStorage.getItem(KEY) ?? 'docs';
    this.#show(matchMedia('(min-width: 75rem)').matches && kept in this.#sides ? kept : null);
  }

  #panes() {
    const { editor, variables, problems, variableProblems, answer, docs, past } = this.#parts;
    const pane = (name, title, extra, ...content) => {
      const id = `explorer-${name}`;
      return el(
        'section',
        { class: `pane ${name}-pane`, 'aria-labelledby': id },
        el('header', {}, el('h2', { id }, title), ...extra),
        ...content,
      );
    };
    this.#sides = { docs: docs.element, history: past.element };
    const close = iconButton('close', 'Close', () => this.side(this.#side, false));
    return [
      el(
        'div',
        { class: 'writing' },
        pane('query', 'Query', [], editor.element, problems.element),
        pane('variables', 'Variables', [variables.fill], variables.element, variableProblems.element),
      ),
      pane('answer', 'Answer', [answer.copy], answer.element),
      el(
        'section',
        { class: 'pane explorer-side', 'aria-labelledby': 'explorer-side', tabindex: '-1' },
        el('header', {}, this.#title, close),
        ...Object.values(this.#sides),
      ),
    ];
  }

  #tabList() {
    const names = { query: 'Query', variables: 'Variables', answer: 'Answer', ...SIDES };
    for (const [name, text] of Object.entries(names)) {
      this.#tabs[name] = button(null, () => this.pane(name), text);
    }
    return el(
      'div',
      { class: 'switch explorer-tabs', role: 'group', 'aria-label': 'What to show' },
      ...Object.values(this.#tabs),
    );
  }

  #toggle(name, text) {
    this.#toggles[name] = button('button explorer-toggle', () => this.side(name, this.#side !== name), text);
    return this.#toggles[name];
  }

  /** Shows a pane where there is room for one alone. */
  pane(name) {
    this.#root.dataset.pane = name in SIDES ? 'side' : name;
    for (const [other, tab] of Object.entries(this.#tabs)) tab.setAttribute('aria-pressed', String(other === name));
    if (name in SIDES) this.#show(name);
  }

  /** Opens or closes the docs or the history. */
  side(name, isOpen) {
    localStorage.setItem(KEY, isOpen ? name : 'none');
    this.pane(isOpen ? name : 'query');
    if (isOpen) return this.#root.querySelector('.explorer-side').focus({ preventScroll: true });
    this.#show(null);
    this.#toggles[name]?.focus();
  }

  #show(name) {
    this.#side = name;
    this.#root.dataset.side = name ?? '';
    this.#title.textContent = SIDES[name] ?? '';
    for (const [other, element] of Object.entries(this.#sides)) element.hidden = other !== name;
    for (const [other, toggle] of Object.entries(this.#toggles)) toggle.setAttribute('aria-pressed', String(other === name));
  }

  /** Says that something runs, and how it is ended; or, with null, that nothing does. */
  running(word) {
    this.#run.replaceChildren(icon(word ? 'stop' : 'run'), word ?? 'Run');
    this.#run.title = key('Ctrl+Enter');
    this.#run.classList.toggle('is-running', Boolean(word));
  }

  /** Lists the operations where there are several, with the one that would run. */
  operations(all, current, choose) {
    this.#runs = all.map((operation) => ({ choose: () => choose(operation) }));
    this.#choice.hidden = all.length < 2;
    const names = all.map(({ operation, name }, index) => `${operation} ${name?.text ?? `no. ${index + 1}`}`);
    if (names.join() !== this.#operation.dataset.names) {
      this.#operation.dataset.names = names.join();
      this.#operation.replaceChildren(...names.map((name) => el('option', {}, name)));
    }
    this.#operation.selectedIndex = all.indexOf(current);
  }

  /** Says as whom operations run. */
  who(user) {
    // Where there is little room, the header says it well enough.
    this.#who.classList.toggle('is-known', Boolean(user));
    this.#who.replaceChildren(
      ...(user
        ? ['Runs as ', el('bdi', {}, user.email)]
        : ['Runs without a token. ', el('a', { href: '#/explorer/login' }, 'Log in')]),
    );
  }
}
