// Moving files: by dragging them onto a folder, or in a dialog, which also the keyboard reaches.

import { mutate, request } from './client.js';
import { byId, el } from './dom.js';
import { openDialog } from './dialogs.js';
import { folder } from './folder.js';
import { sentence } from './format.js';
import { icon } from './icons.js';
import { failure, notice } from './notices.js';
import { FOLDERS, MOVE } from './operations.js';

/** What is being dragged, so that files from elsewhere are told apart. */
let dragged = null;

/** Whether it is one of our own files that is being dragged. */
export const isDragging = () => dragged !== null;

async function move(file, parentId, into) {
  const { file: moved } = await mutate(MOVE, { fileId: file.id, parentId });
  folder.apply(moved);
  notice(`Moved “${file.name}” to “${into}”.`);
}

/** Lets cells be dragged onto folders and onto the crumbs. */
export function startDragging() {
  const target = ({ target }) => {
    const place = target.closest?.('.cell[data-kind="FOLDER"], [data-crumb]');
    if (!dragged || !place) return null;
    const id = place.dataset.id ?? (place.dataset.crumb || null);
    return id === dragged.id || id === (dragged.parent?.id ?? null) ? null : { place, id };
  };
  const mark = (place) => {
    for (const old of document.querySelectorAll('.drop-target')) if (old !== place) old.classList.remove('drop-target');
    place?.classList.add('drop-target');
  };
  byId('files').addEventListener('dragstart', (event) => {
    dragged = folder.get(event.target.closest?.('.cell')?.dataset.id) ?? null;
    if (!dragged) return;
    event.dataTransfer.effectAllowed = 'move';
    event.dataTransfer.setData('text/plain', dragged.name);
  });
  addEventListener('dragend', () => {
    dragged = null;
    mark(null);
  });
  addEventListener('dragover', (event) => {
    const found = target(event);
    mark(found?.place);
    if (!found) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'move';
  });
  addEventListener('drop', (event) => {
    const found = target(event);
    if (!found) return;
    event.preventDefault();
    const file = dragged;
    mark(null);
    const name = found.place.querySelector('.name')?.textContent ?? found.place.textContent;
    const run = () => move(file, found.id, name).catch((error) => failure(error, run));
    run();
  });
}

/** Asks where to, folder by folder. */
export function chooseFolder(file) {
  let path = [];
  let turn = 0;
  const crumbs = el('p', { class: 'choose-path', role: 'status' });
  const list = el('ul', { class: 'choose', 'aria-label': 'Folders' });
  const error = el('p', { class: 'error', role: 'alert' });
  const confirm = el('button', { type: 'button', class: 'button primary' }, 'Move here');
  const names = () => ['My files', ...path.map(({ name }) => name)];

  async function show() {
    const own = ++turn;
    const parentId = path.at(-1)?.id ?? null;
    const isThere = parentId === (file.parent?.id ?? null);
    crumbs.replaceChildren(el('bdi', {}, names().join(' / ')), isThere ? el('span', { class: 'hint' }, ' – where it is now') : '');
    confirm.disabled = isThere;
    error.textContent = '';
    const rows = [];
    const enter = (next) => () => {
      path = next;
      show();
    };
    const row = (name, shape, next) => el('li', {}, el('button', { type: 'button', class: 'button', on: { click: enter(next) } }, icon(shape), el('bdi', {}, name)));
    if (path.length > 0) rows.push(row('Up', 'previous', path.slice(0, -1)));
    try {
      let after = null;
      do {
        const { files } = await request(FOLDERS, { parentId, after });
        if (own !== turn) return;
        // Into itself it cannot go.
        for (const found of files.nodes.filter(({ id }) => id !== file.id)) rows.push(row(found.name, 'folder', [...path, found]));
        after = files.pageInfo.hasNextPage ? files.pageInfo.endCursor : null;
      } while (after);
    } catch (problem) {
      error.textContent = sentence(problem);
    }
    if (own !== turn) return;
    const isEmpty = rows.length === (path.length > 0 ? 1 : 0);
    list.replaceChildren(...rows, ...(isEmpty ? [el('li', { class: 'hint' }, 'There is no folder in here.')] : []));
    (list.querySelector('button') ?? confirm).focus();
  }

  confirm.addEventListener('click', async () => {
    try {
      await move(file, path.at(-1)?.id ?? null, names().at(-1));
      dialog.close();
    } catch (problem) {
      error.textContent = sentence(problem);
    }
  });
  const dialog = openDialog(`Move ${file.name}`, [crumbs, list, error, el('p', { class: 'buttons' }, confirm)]);
  show();
}
