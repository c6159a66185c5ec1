// The files as a grid or a list. Only those near the window are in the document, however many there are.

import { Cell } from './cell.js';
import { byId } from './dom.js';
import { folder } from './folder.js';

/** How far beyond the window there are cells, in windows; how far before the end the next page is fetched. */
const AROUND = 0.75;
const AHEAD = 2;

const list = byId('files');
const cells = new Map();
let handlers;
let active = 0;
let planned = false;
/** Where the cells are: measured when the window or the view has changed. */
let layout = { columns: 1, width: 0, height: 0, gap: 0, stride: 1 };

/** Begins to draw. `open`, `menu`, `rename` and `remove` are what the keys and buttons of a cell do. */
export function start(on) {
  handlers = on;
  folder.addEventListener('change', plan);
  addEventListener('scroll', plan, { passive: true });
  new ResizeObserver(() => {
    measure();
    plan();
  }).observe(list.parentElement);
  list.addEventListener('keydown', keys);
  list.addEventListener('focusin', ({ target }) => {
    const index = indexOf(target);
    if (index >= 0) activate(index);
  });
  list.addEventListener('contextmenu', (event) => {
    const file = folder.items[indexOf(event.target)];
    if (!file) return;
    event.preventDefault();
    const { clientX: x, clientY: y } = event;
    const point = x || y ? { left: x, right: x, top: y, bottom: y } : undefined;
    handlers.menu(file, cells.get(file.id).button, point);
  });
}

/** Grid or list. */
export function setView(view) {
  list.dataset.view = view;
  measure();
  plan();
}

/** Puts the focus where it was, or on the first file. */
export function focus() {
  go(Math.min(active, folder.items.length - 1));
}

/** Begins at the top, as after a change of folder. */
export function toTop() {
  active = 0;
  scrollTo(0, 0);
}

function measure() {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const room = list.clientWidth;
  if (list.dataset.view === 'list') {
    layout = { columns: 1, width: room, height: 4 * rem, gap: 0 };
  } else {
    const gap = (room < 32 * rem ? 0.6 : 1) * rem;
    const columns = Math.max(2, Math.floor((room + gap) / (12 * rem + gap)));
    const width = Math.floor((room - gap * (columns - 1)) / columns);
    layout = { columns, width, height: Math.round(width * 0.75) + 4 * rem, gap };
  }
  layout.stride = layout.height + layout.gap;
  list.style.setProperty('--cell-width', `${layout.width}px`);
  list.style.setProperty('--cell-height', `${layout.height}px`);
}

/** Draws once in the next frame, however often it is asked to. */
function plan() {
  if (planned) return;
  planned = true;
  requestAnimationFrame(() => {
    planned = false;
    draw();
  });
}

function draw() {
  const { items } = folder;
  const { columns, stride, gap, width } = layout;
  const rows = Math.ceil(items.length / columns);
  list.style.height = `${Math.max(0, rows * stride - gap)}px`;
  const top = -list.getBoundingClientRect().top;
  const first = Math.max(0, Math.floor((top - innerHeight * AROUND) / stride)) * columns;
  const last = Math.min(items.length, Math.ceil((top + innerHeight * (1 + AROUND)) / stride) * columns);
  active = Math.max(0, Math.min(active, items.length - 1));

  const wanted = [];
  for (let index = first; index < last; index++) wanted.push(index);
  // What has the focus stays, or the focus would be lost.
  const focused = list.contains(document.activeElement) ? folder.items.findIndex(({ id }) => id === idOf(document.activeElement)) : -1;
  if (focused >= 0 && focused < first) wanted.unshift(focused);
  if (focused >= last) wanted.push(focused);

  const kept = new Set(wanted.map((index) => items[index].id));
  const had = list.contains(document.activeElement) ? document.activeElement : null;
  for (const [id, cell] of cells) {
    if (kept.has(id)) continue;
    cells.delete(id);
    cell.element.remove();
  }
  let before = list.firstElementChild;
  for (const index of wanted) {
    const file = items[index];
    let cell = cells.get(file.id);
    if (!cell) cells.set(file.id, (cell = new Cell(handlers)));
    cell.update(file, folder.search && (file.parent?.name ?? 'My files'));
    const { element } = cell;
    const x = (index % columns) * (width + gap);
    const transform = `translate(${x}px, ${Math.floor(index / columns) * stride}px)`;
    if (element.style.transform !== transform) element.style.transform = transform;
    element.setAttribute('aria-posinset', index + 1);
    element.setAttribute('aria-setsize', folder.total ?? -1);
    const tab = index === active ? 0 : -1;
    cell.button.tabIndex = tab;
    cell.more.tabIndex = tab;
    // In the order that is read, whatever it was drawn in.
    if (element === before) before = before.nextElementSibling;
    else list.insertBefore(element, before);
  }
  // What is put elsewhere in the document loses the focus; of what was deleted a neighbour has it now.
  if (had && document.activeElement !== had) {
    if (list.contains(had)) had.focus({ preventScroll: true });
    else if (items.length > 0) go(active);
  }
  if (folder.hasNext && !folder.error && top + innerHeight * (1 + AHEAD) > rows * stride) folder.more();
}

const idOf = (target) => target.closest?.('.cell')?.dataset.id;
const indexOf = (target) => folder.items.findIndex(({ id }) => id === idOf(target));

/** Tab enters the list at this file. */
function activate(index) {
  if (index === active) return;
  active = index;
  plan();
}

/** Scrolls to a file and gives it the focus. */
function go(index) {
  if (index < 0 || index >= folder.items.length) return;
  active = index;
  const { columns, stride, height } = layout;
  const top = list.getBoundingClientRect().top + Math.floor(index / columns) * stride;
  const bar = byId('content').offsetTop + 8;
  if (top < bar) scrollBy(0, top - bar);
  else if (top + height > innerHeight - 8) scrollBy(0, top + height - innerHeight + 8);
  draw();
  cells.get(folder.items[index].id)?.button.focus({ preventScroll: true });
}

function keys(event) {
  const index = indexOf(event.target);
  const file = folder.items[index];
  if (!file || event.ctrlKey || event.metaKey || event.altKey) return;
  const { columns, stride } = layout;
  const screen = Math.max(1, Math.floor(innerHeight / stride)) * columns;
  const end = folder.items.length - 1;
  const isRtl = getComputedStyle(list).direction === 'rtl';
  const steps = {
    ArrowRight: () => go(index + (isRtl ? -1 : 1)),
    ArrowLeft: () => go(index - (isRtl ? -1 : 1)),
    ArrowDown: () => go(Math.min(index + columns, end)),
    ArrowUp: () => index >= columns && go(index - columns),
    Home: () => go(0),
    End: () => go(end),
    PageDown: () => go(Math.min(index + screen, end)),
    PageUp: () => go(Math.max(index - screen, index % columns)),
    F2: () => handlers.rename(file),
    Delete: () => handlers.remove(file),
  };
  const step = steps[event.key];
  if (!step) return;
  event.preventDefault();
  step();
}
