// The file manager around the grid: crumbs, tools, what is said of an empty folder, and files that are dropped or pasted.

import { go, handlers } from './actions.js';
import { credentials } from './client.js';
import { byId, el } from './dom.js';
import { newFolder } from './dialogs.js';
import { filters, folder, orders } from './folder.js';
import { bytes, plural, sentence, shortened } from './format.js';
import * as grid from './grid.js';
import { icon } from './icons.js';
import { openMenu } from './menu.js';
import { isDragging, startDragging } from './move.js';
import { failure } from './notices.js';
import { isExplorer } from './places.js';
import { look, session } from './session.js';
import { uploads } from './uploads.js';
import { dropped, picked, placing } from './walk.js';

const VIEW = 'strongroom.view';
/** How long somebody may pause while typing, in milliseconds. */
const TYPING = 250;
/** How long what is shown is taken for fresh when somebody comes back to the window, in milliseconds. */
const FRESH = 3_000;
/** How many folders of a path are shown, with what stands for the others. */
const CRUMBS = 5;

const fromAddress = () => /^#\/folder\/([\w-]+)$/.exec(location.hash)?.[1] ?? null;
const addressOf = (id) => (id ? `#/folder/${id}` : '#/');

/** Begins. */
export function start() {
  grid.start(handlers);
  startDragging();
  startTools();
  startDrops();
  go.to = (id) => (location.hash = addressOf(id));
  addEventListener('hashchange', () => {
    if (!session.user || isExplorer()) return;
    // The explorer changes files, too.
    if (byId('drive').hidden) look().catch(() => {});
    open();
  });
  startReturns();
  folder.addEventListener('change', draw);
  let later;
  uploads.addEventListener('stored', ({ detail }) => {
    folder.add(detail);
    clearTimeout(later);
    later = setTimeout(() => look().catch(() => {}), 500);
  });
  session.addEventListener('usage', drawUsage);
}

/** Shows the folder that the address names. */
export function open() {
  byId('search').value = '';
  grid.toTop();
  folder.show({ parentId: fromAddress(), search: '' });
}

/** Other tabs and devices have files come and go of which nothing is announced: whoever comes back here gets to see it. */
function startReturns() {
  let last = performance.now();
  let later;
  const catchUp = () => {
    if (!credentials.token || byId('drive').hidden || document.hidden) return;
    last = performance.now();
    folder.refreshSoon({ isQuiet: true });
    look().catch(() => {});
  };
  const plan = () => {
    clearTimeout(later);
    later = setTimeout(catchUp, last + FRESH - performance.now());
  };
  addEventListener('focus', plan);
  document.addEventListener('visibilitychange', plan);
}

function startTools() {
  const [search, filter, order] = ['search', 'filter', 'order'].map(byId);
  const fill = (select, choices) => select.append(...Object.entries(choices).map(([value, { name }]) => el('option', { value }, name)));
  fill(filter, filters);
  fill(order, orders);
  let typing;
  search.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      grid.toTop();
      folder.show({ search: search.value.trim() });
    }, TYPING);
  });
  filter.addEventListener('change', () => folder.show({ filter: filter.value }));
  order.addEventListener('change', () => folder.show({ order: order.value }));

  const views = { grid: byId('view-grid'), list: byId('view-list') };
  const choose = (view) => {
    localStorage.setItem(VIEW, view);
    for (const [name, button] of Object.entries(views)) button.setAttribute('aria-pressed', String(name === view));
    grid.setView(view);
  };
  for (const [name, button] of Object.entries(views)) {
    button.append(icon(name));
    button.addEventListener('click', () => choose(name));
  }
  choose(localStorage.getItem(VIEW) === 'list' ? 'list' : 'grid');

  const [files, folders] = [byId('picker'), byId('folder-picker')];
  byId('upload').addEventListener('click', () => openMenu(byId('upload'), [
    { name: 'Files…', run: () => files.click() },
    { name: 'A folder…', run: () => folders.click() },
  ], { label: 'Upload' }));
  for (const input of [files, folders]) {
    input.addEventListener('change', () => {
      take(picked([...input.files]));
      input.value = '';
    });
  }
  byId('new-folder').addEventListener('click', async () => {
    const made = await newFolder(folder.parentId).catch(failure);
    if (made) folder.add(made);
  });
}

/** Uploads what was found into the folder on the screen. */
function take(found) {
  const each = (file, id) => uploads.add(file, id);
  const place = placing(folder.parentId, { each, made: (made) => folder.add(made), skipped: (error) => failure(error) });
  const attempt = (some) => place(some).catch((error) => {
    const again = () => attempt(error.left);
    if (error.code !== 'UNAUTHENTICATED') return failure(error, again);
    // As uploads do, it goes on when the same person is back.
    session.addEventListener('changed', ({ detail }) => session.user && !detail?.isAnother && again(), { once: true });
  });
  attempt(found);
}

function startDrops() {
  const cover = byId('drop');
  const bringsFiles = (event) => session.user && !isExplorer() && !isDragging() && [...(event.dataTransfer?.types ?? [])].includes('Files');
  addEventListener('dragover', (event) => {
    if (!bringsFiles(event)) return;
    event.preventDefault();
    cover.hidden = false;
  });
  addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) cover.hidden = true;
  });
  addEventListener('drop', (event) => {
    cover.hidden = true;
    if (!bringsFiles(event)) return;
    event.preventDefault();
    take(dropped(event.dataTransfer));
  });
  addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!session.user || isExplorer() || files.length === 0 || event.target.closest?.('dialog')) return;
    event.preventDefault();
    for (const file of files) uploads.add(file, folder.parentId, pastedName(file));
  });
}

/** A picture from the clipboard has no name of its own: browsers call it image.png. */
function pastedName({ name, type }) {
  if (name && name !== 'image.png') return name;
  const now = new Date().toISOString().slice(0, 19).replace('T', ' ').replaceAll(':', '.');
  return `pasted ${now}.${type.split('/')[1] ?? 'bin'}`;
}

function draw() {
  drawCrumbs();
  const { items, total, search, isLoading, error, hasNext } = folder;
  const count = byId('count');
  const word = (number) => (search ? `${plural(number, 'file')} found for “${shortened(search)}”` : plural(number, 'item'));
  const text = error || (isLoading && items.length === 0) ? '' : total === null ? '' : total === 0 ? '' : word(total);
  if (count.textContent !== text) count.textContent = text;
  const state = byId('state');
  const again = el('button', { type: 'button', class: 'button', on: { click: () => (items.length > 0 && !hasNext ? folder.refresh() : folder.more()) } }, 'Try again');
  const home = el('a', { class: 'button', href: '#/' }, 'Go to My files');
  const isGone = error?.code === 'NOT_FOUND';
  for (const id of ['upload', 'new-folder']) byId(id).disabled = isGone;
  if (isGone) state.replaceChildren(el('p', { role: 'alert' }, 'There is no such folder. It may have been deleted.'), home);
  else if (error) state.replaceChildren(el('p', { role: 'alert' }, sentence(error)), again);
  else if (isLoading && (items.length === 0 || hasNext)) state.replaceChildren(el('p', { class: 'loading' }, 'Loading…'));
  else if (items.length === 0) state.replaceChildren(...emptiness());
  else state.replaceChildren();
}

function emptiness() {
  if (folder.search) return [el('p', {}, `No file has “${shortened(folder.search)}” in its name.`)];
  if (folder.filter !== 'all') return [el('p', {}, 'Nothing in here matches. Choose “Everything” to see the rest.')];
  return [icon('upload'), el('p', { class: 'lead' }, folder.parentId ? 'This folder is empty.' : 'Nothing here yet.'),
    el('p', {}, 'Drop files or folders anywhere, paste a picture, or press “Upload”.')];
}

function drawCrumbs() {
  const places = [{ id: null, name: 'My files' }, ...folder.path];
  const key = JSON.stringify(places.map(({ id, name }) => [id, name]));
  const nav = byId('crumbs');
  if (nav.dataset.key === key) return;
  nav.dataset.key = key;
  const crumbs = places.map(({ id, name }, index) => {
    const isLast = index === places.length - 1;
    return el('li', {}, el('a', { href: addressOf(id), 'data-crumb': id ?? '', 'aria-current': isLast ? 'page' : null, title: name }, el('bdi', {}, name)));
  });
  // Of a deep path both ends are shown, and what is between them is a menu.
  const hidden = places.length > CRUMBS ? places.slice(1, 2 - CRUMBS) : [];
  if (hidden.length > 0) {
    const more = el('button', { type: 'button', class: 'button small', 'aria-haspopup': 'menu', 'aria-label': `${hidden.length} folders between` }, '…');
    more.addEventListener('click', () => openMenu(more, hidden.map(({ id, name }) => ({ name, run: () => go.to(id) })), { label: 'Folders between' }));
    crumbs.splice(1, hidden.length, el('li', {}, more));
  }
  nav.replaceChildren(el('ol', {}, ...crumbs));
  if (!isExplorer()) document.title = folder.path.length > 0 ? `${places.at(-1).name} – Strongroom` : 'Strongroom';
}

function drawUsage() {
  const { user, limits } = session;
  const line = byId('usage');
  line.hidden = !user?.usage;
  if (line.hidden) return;
  const { fileCount, bytes: taken } = user.usage;
  line.textContent = `${plural(fileCount, 'file')}, ${bytes(taken)} in all · at most ${bytes(limits.uploadBytes)} each`;
}
