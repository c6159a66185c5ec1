// The list of uploads in a corner: how far each is, how fast, and what went wrong. On a small window it is a bar until it is
// asked for more.

import { byId, el } from './dom.js';
import { bytes, duration, plural, sentence, visible } from './format.js';
import { icon } from './icons.js';
import { uploads } from './uploads.js';

/** How many are shown in each state; the rest is counted. */
const MOST = 30;
/** How long it stays when all is done, in milliseconds. */
const STAY = 6_000;
/** What cannot be put right by sending it again. */
const FINAL = ['FILE_TOO_LARGE', 'BAD_USER_INPUT', 'NOT_FOUND', 'NOT_A_FOLDER', 'UNREADABLE'];
/** Where a list would leave too little of the files to be seen. */
const small = matchMedia('(max-width: 47.5rem), (max-height: 36rem)');

const tray = byId('tray');
const rows = new Map();
const title = el('span', { id: 'tray-title', role: 'status' });
const overall = el('progress', { max: '1', 'aria-labelledby': 'tray-title' });
const list = el('ul', { 'aria-label': 'Files', tabindex: '0' });
const rest = el('p', { class: 'hint' });
const body = el('div', { id: 'tray-body' });
const trouble = el('p', { class: 'trouble' });
const button = (name, run, label) => el('button', { type: 'button', class: 'button small', 'aria-label': label, on: { click: run } }, name);
const stopAll = button('Cancel all', () => active().forEach((item) => uploads.cancel(item)));
const retryAll = button('Try all again', () => failed().filter(mayRetry).forEach((item) => uploads.retry(item)));
const fold = el('button', { type: 'button', class: 'button icon-button fold', 'aria-controls': 'tray-body', on: { click: () => show(body.hidden) } }, icon('down'));
const close = el('button', { type: 'button', class: 'button icon-button', 'aria-label': 'Close the list of uploads', on: { click: () => uploads.clear() } }, icon('close'));

const active = () => uploads.items.filter(({ state }) => ['waiting', 'sending', 'held'].includes(state));
const failed = () => uploads.items.filter(({ state }) => state === 'failed');
const mayRetry = ({ error }) => !FINAL.includes(error?.code);

let leaving;
let planned = false;
const plan = () => {
  if (planned) return;
  planned = true;
  requestAnimationFrame(() => {
    planned = false;
    draw();
  });
};

/** Begins to draw. */
export function start() {
  body.append(list, rest, el('p', { class: 'buttons' }, retryAll, stopAll));
  tray.append(el('header', {}, el('h2', {}, title), fold, close), overall, trouble, body);
  uploads.addEventListener('change', plan);
  uploads.addEventListener('progress', plan);
  small.addEventListener('change', () => show(!small.matches));
  show(!small.matches);
  // What it covers can be scrolled to where it does not.
  new ResizeObserver(() => document.documentElement.style.setProperty('--tray', `${tray.offsetHeight}px`)).observe(tray);
}

function show(isOpen) {
  body.hidden = !isOpen;
  fold.setAttribute('aria-expanded', String(isOpen));
  fold.setAttribute('aria-label', isOpen ? 'Show less of the uploads' : 'Show each upload');
  plan();
}

/** When all is well, the list goes by itself, unless somebody is in it. */
function leave() {
  if (tray.matches(':hover, :focus-within')) leaving = setTimeout(leave, STAY);
  else uploads.clear();
}

function draw() {
  const { items } = uploads;
  tray.hidden = items.length === 0;
  if (tray.hidden) {
    rows.clear();
    list.replaceChildren();
    return;
  }
  const counted = items.filter(({ state }) => state !== 'cancelled');
  const stored = counted.filter(({ state }) => state === 'stored').length;
  const [going, bad] = [active(), failed()];
  const of = (field) => counted.reduce((sum, item) => sum + item[field], 0);
  const held = going.find(({ state }) => state === 'held');
  const words = [];
  if (held) words.push(`Uploads wait for ${reason(held)}`);
  else if (going.length > 0) words.push(`Uploading ${plural(going.length, 'file')}`);
  else if (stored > 0) words.push(`Uploaded ${plural(stored, 'file')}`);
  else if (bad.length === 0) words.push('Nothing was uploaded');
  if (bad.length > 0) words.push(`${bad.length} failed`);
  const text = words.join(', ');
  if (title.textContent !== text) title.textContent = text;
  // What went wrong is said also where the list is not shown.
  const worst = body.hidden ? bad.at(-1) : undefined;
  trouble.replaceChildren(...(worst ? [el('bdi', {}, visible(worst.name)), ': ', wrong(worst)] : []));
  overall.hidden = going.length === 0;
  overall.value = of('size') > 0 ? of('sent') / of('size') : 0;
  stopAll.hidden = going.length < 2;
  retryAll.hidden = bad.filter(mayRetry).length < 2;
  close.hidden = going.length > 0;
  clearTimeout(leaving);
  if (going.length === 0 && bad.length === 0) leaving = setTimeout(leave, STAY);

  const pick = (state, from = 0) => items.filter((item) => item.state === state).slice(from, from + MOST || undefined);
  const shown = [...pick('failed'), ...pick('sending'), ...pick('held'), ...pick('waiting'), ...items.filter(({ state }) => state === 'stored').slice(-MOST).reverse(), ...pick('cancelled')];
  const hidden = items.length - shown.length;
  rest.textContent = hidden > 0 ? `and ${hidden.toLocaleString('en-GB')} more` : '';
  const kept = new Set(shown.map(({ id }) => id));
  for (const [id, row] of rows) {
    if (kept.has(id)) continue;
    row.element.remove();
    rows.delete(id);
  }
  shown.forEach((item, index) => {
    if (!rows.has(item.id)) rows.set(item.id, makeRow(item));
    const row = rows.get(item.id);
    row.update();
    if (list.children[index] !== row.element) list.insertBefore(row.element, list.children[index] ?? null);
  });
}

/** What went wrong with one. */
const wrong = ({ error }) => (error.code === 'NOT_FOUND' ? 'The folder that it was for is no longer there.' : sentence(error));

/** What one that is held waits for. */
const reason = ({ error }) => (error.code === 'NETWORK' ? 'the connection' : 'you to log in');

function makeRow(item) {
  const name = visible(item.name);
  const said = el('p', { class: 'said' });
  const bar = el('progress', { max: '1', 'aria-label': name });
  const cancel = button('Cancel', () => uploads.cancel(item), `Cancel ${name}`);
  const again = button('Try again', () => uploads.retry(item), `Try again: ${name}`);
  const dismiss = button('Dismiss', () => uploads.dismiss(item), `Dismiss ${name}`);
  const element = el('li', {}, el('p', { class: 'what' }, el('bdi', {}, name)), el('span', { class: 'row-buttons' }, again, cancel, dismiss), bar, said);

  function words() {
    const { state, sent, size, speed } = item;
    if (state === 'waiting') return `${bytes(size)}, waiting`;
    if (state === 'held') return `${bytes(size)}, waiting for ${reason(item)}`;
    if (state === 'stored') return `${bytes(size)}, uploaded`;
    if (state === 'cancelled') return 'Cancelled';
    if (state === 'failed') return wrong(item);
    if (sent >= size) return `${bytes(size)}, the server is storing it`;
    const left = speed > 0 ? `, ${bytes(speed)}/s, ${duration((size - sent) / speed)} left` : '';
    return `${bytes(sent)} of ${bytes(size)}${left}`;
  }
  function update() {
    const { state } = item;
    element.dataset.state = state;
    const text = words();
    if (said.textContent !== text) said.textContent = text;
    bar.hidden = state !== 'sending';
    bar.value = item.size > 0 ? item.sent / item.size : 1;
    cancel.hidden = !['waiting', 'sending', 'held'].includes(state);
    again.hidden = state !== 'failed' || !mayRetry(item);
    dismiss.hidden = !['failed', 'cancelled'].includes(state);
  }
  return { element, update };
}
