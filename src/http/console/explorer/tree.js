// JSON as lines that open and close: a tree with one stop of the Tab key, and the arrow keys within. It draws a thousand lines at
// a time, however many there are.

import { el } from '../dom.js';
import { button } from './button.js';

const STEP = 1_000;
/** How far lines are moved in, at most. */
const DEEPEST = 12;
/** How much of a string is shown, in characters. */
const LONG = 2_000;

/** A tree of this value. */
export function tree(value, label) {
  const closed = new Set();
  let most = STEP;
  let current = '$';
  const root = el('div', { class: 'tree', role: 'tree', 'aria-label': label });
  const more = button('button small', showMore, 'Show more');
  const element = el('div', { class: 'tree-frame' }, root, more);

  function showMore() {
    most += STEP;
    draw();
  }

  function draw(focus = false) {
    const rows = [];
    more.hidden = true;
    for (const row of walk(value, '$', 0, null, true)) {
      if (rows.length >= most) {
        more.hidden = false;
        break;
      }
      rows.push(row);
    }
    root.replaceChildren(...rows);
    const row = items().find(({ dataset }) => dataset.path === current) ?? items()[0];
    if (row) row.tabIndex = 0;
    if (focus) row?.focus({ preventScroll: true });
  }

  function* walk(node, path, depth, key, isLast) {
    const comma = isLast ? '' : ',';
    const name = key === null ? [] : [el('span', { class: 't-field' }, JSON.stringify(key)), ': '];
    const isList = Array.isArray(node);
    const entries = node && typeof node === 'object' ? Object.entries(node) : [];
    const [open, close] = isList ? '[]' : '{}';
    const isClosed = closed.has(path);
    if (entries.length === 0) {
      yield line(path, depth, null, ...name, node && typeof node === 'object' ? open + close : leaf(node), comma);
      return;
    }
    if (isClosed) {
      const count = isList
        ? `${entries.length} ${entries.length === 1 ? 'item' : 'items'}`
        : `${entries.length} ${entries.length === 1 ? 'field' : 'fields'}`;
      yield line(path, depth, false, ...name, open, el('span', { class: 'folded' }, ` … ${count} `), close, comma);
      return;
    }
    yield line(path, depth, true, ...name, open);
    let left = entries.length;
    for (const [inner, child] of entries) {
      left--;
      yield* walk(child, `${path}.${inner}`, depth + 1, isList ? null : inner, left === 0);
    }
    yield deep(el('div', { class: 'tree-line', role: 'none' }, close, comma), depth);
  }

  const line = (path, depth, isOpen, ...content) => {
    const toggle = isOpen !== null && el('span', { class: 'toggle', 'aria-hidden': 'true', on: { click: () => flip(path) } });
    return deep(
      el(
        'div',
        {
          class: 'tree-line',
          role: 'treeitem',
          'data-path': path,
          'aria-level': String(depth + 1),
          'aria-expanded': isOpen === null ? null : String(isOpen),
          tabindex: '-1',
        },
        toggle,
        ...content,
      ),
      depth,
    );
  };

  const items = () => [...root.querySelectorAll('[role=treeitem]')];

  function flip(path) {
    if (!closed.delete(path)) closed.add(path);
    current = path;
    draw(true);
  }

  function go(row) {
    if (!row) return;
    root.querySelector('[tabindex="0"]')?.setAttribute('tabindex', '-1');
    row.tabIndex = 0;
    current = row.dataset.path;
    row.focus();
  }

  root.addEventListener(
    'focusin',
    ({ target }) => target.dataset.path !== current && target.matches('[role=treeitem]') && go(target),
  );
  root.addEventListener('keydown', (event) => {
    const row = event.target.closest('[role=treeitem]');
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = items();
    const at = all.indexOf(row);
    const isOpen = row.getAttribute('aria-expanded');
    const parent = () => all.slice(0, at).findLast((other) => Number(other.ariaLevel) < Number(row.ariaLevel));
    const does = {
      ArrowDown: () => go(all[at + 1]),
      ArrowUp: () => go(all[at - 1]),
      Home: () => go(all[0]),
      End: () => go(all.at(-1)),
      ArrowRight: () => (isOpen === 'false' ? flip(row.dataset.path) : go(isOpen === 'true' ? all[at + 1] : null)),
      ArrowLeft: () => (isOpen === 'true' ? flip(row.dataset.path) : go(parent())),
      Enter: () => row.querySelector('a')?.click() ?? (isOpen && flip(row.dataset.path)),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  });
  draw();
  return element;
}

function deep(line, depth) {
  line.style.setProperty('--depth', Math.min(depth, DEEPEST));
  return line;
}

function leaf(value) {
  if (typeof value !== 'string') return el('span', { class: typeof value === 'number' ? 't-int' : 't-constant' }, String(value));
  const text = JSON.stringify(value);
  const shown = text.length > LONG ? `${text.slice(0, LONG)}… (${value.length.toLocaleString('en-GB')} characters)` : text;
  if (/^https?:\/\/[^\s"]+$/.test(value) && URL.canParse(value)) {
    return el('a', { class: 't-string', href: value, target: '_blank', rel: 'noopener noreferrer', tabindex: '-1' }, shown);
  }
  return el('span', { class: 't-string' }, shown);
}
