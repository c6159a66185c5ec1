// The API beside the console: every operation as it was sent, with its variables and its answer, to be copied as code.

import { journal } from './client.js';
import { byId, copy, el } from './dom.js';
import { icon } from './icons.js';
import { apollo, curl, tokenFor, urql } from './snippets.js';

const KEY = 'strongroom.panel';
/** How many operations are kept; how much of an answer is shown, in characters. */
const MOST = 100;
const LONG = 20_000;
/** What is not shown, and not copied, by the names of their fields. */
const SECRET = ['password', 'token'];

const panel = byId('panel');
const toggle = byId('panel-toggle');
const list = el('ol', { class: 'entries', 'aria-labelledby': 'panel-title' });
const hint = el('p', { class: 'hint' }, 'What you do in the console appears here as it is sent.');
const rows = new Map();

/** Begins to write down. */
export function start() {
  const close = el('button', { type: 'button', class: 'button icon-button', 'aria-label': 'Close the panel', on: { click: () => open(false) } }, icon('close'));
  const empty = el('button', { type: 'button', class: 'button small', on: { click: clear } }, 'Clear');
  panel.append(
    el('header', {}, el('h2', { id: 'panel-title' }, 'API'), empty, close),
    el('p', { class: 'hint' }, 'All of it goes to ', el('code', {}, 'POST /graphql'), '; what is announced comes over a WebSocket at the same address.'),
    hint, list,
  );
  toggle.addEventListener('click', () => open(panel.hidden));
  journal.addEventListener('entry', ({ detail }) => add(detail));
  journal.addEventListener('change', ({ detail }) => rows.get(detail.id)?.update());
  open(sessionStorage.getItem(KEY) === 'open', false);
}

function open(isOpen, focus = true) {
  panel.hidden = !isOpen;
  toggle.setAttribute('aria-expanded', String(isOpen));
  sessionStorage.setItem(KEY, isOpen ? 'open' : 'closed');
  if (focus) (isOpen ? panel.querySelector('button') : toggle).focus();
}

function clear() {
  rows.clear();
  list.replaceChildren();
  hint.hidden = false;
}

function add(entry) {
  hint.hidden = true;
  const row = makeRow(entry);
  rows.set(entry.id, row);
  list.prepend(row.element);
  if (rows.size > MOST) {
    const [oldest] = rows.keys();
    rows.get(oldest).element.remove();
    rows.delete(oldest);
  }
}

/** With what is secret left out, e.g. a password in the variables or a token in an answer. */
const pretty = (value) => {
  if (typeof value === 'string') return value;
  const text = JSON.stringify(value, (key, inner) => (SECRET.includes(key.replace(/^.*P/, 'p')) && typeof inner === 'string' ? '…' : inner), 2);
  return text.length > LONG ? `${text.slice(0, LONG)}\n… (${text.length.toLocaleString('en-GB')} characters in all)` : text;
};
const withoutSecrets = (entry) => ({ ...entry, variables: JSON.parse(JSON.stringify(entry.variables, (key, value) => (/password$/i.test(key) ? 'your password' : value))) });

function makeRow(entry) {
  const said = el('span', { class: 'outcome' });
  const code = (text, label) => el('pre', { tabindex: '0', role: 'group', 'aria-label': label }, text);
  const body = el('div', { class: 'entry' });
  // The short form of a query begins with a bracket.
  const kind = /^(?:mutation|subscription)\b/.exec(entry.query)?.[0] ?? 'query';
  const details = el('details', {}, el('summary', {}, el('span', { class: `kind ${kind}` }, kind), el('span', { class: 'operation' }, entry.name), said), body);
  const answer = code('', `Answer of ${entry.name}`);

  const fill = () => {
    if (body.childElementCount > 0) return;
    const files = Object.entries(entry.files).map(([path, file]) => el('li', {}, el('code', {}, path), ' = ', el('bdi', {}, file.name)));
    const copies = { curl, Apollo: apollo, urql };
    const warning = el('p', { class: 'hint' }, 'The copied code holds the token of your session. Whoever has it can act as you, until you log out or it expires.');
    const warn = () => (warning.hidden = !tokenFor(entry));
    warn();
    const buttons = Object.entries(copies).map(([name, write]) => {
      const button = el('button', { type: 'button', class: 'button small' }, `Copy as ${name}`);
      button.addEventListener('click', async () => {
        warn();
        const done = await copy(write(withoutSecrets(entry)));
        button.textContent = done ? 'Copied' : 'Not allowed';
        setTimeout(() => (button.textContent = `Copy as ${name}`), 2_000);
      });
      return button;
    });
    body.append(el('p', { class: 'buttons' }, ...buttons), warning, el('h3', {}, 'Operation'), code(entry.query, `Operation ${entry.name}`));
    if (Object.keys(entry.variables).length > 0) body.append(el('h3', {}, 'Variables'), code(pretty(entry.variables), `Variables of ${entry.name}`));
    if (files.length > 0) body.append(el('h3', {}, 'Files'), el('ul', { class: 'plain' }, ...files));
    body.append(el('h3', {}, kind === 'subscription' ? 'Latest event' : 'Answer'), answer);
    update();
  };
  function update() {
    const { answer: given, failed, status, took } = entry;
    const waits = kind === 'subscription' ? 'listening' : 'sent';
    const number = status && status !== 200 ? `${status}, ` : '';
    const text = given === undefined ? waits : kind === 'subscription' ? (failed ? 'failed' : 'event') : `${failed ? 'failed, ' : ''}${number}${took} ms`;
    said.textContent = text;
    said.classList.toggle('bad', Boolean(failed));
    if (details.open) answer.textContent = given === undefined ? 'Nothing yet.' : pretty(given);
  }
  details.addEventListener('toggle', () => {
    if (!details.open) return;
    fill();
    update();
  });
  update();
  return { element: el('li', {}, details), update };
}
