// Dialogs that ask one thing: a name, a confirmation, who may see a file.

import { ApiError, local, mutate, request } from './client.js';
import { copy, el, newId } from './dom.js';
import { plural, sentence } from './format.js';
import { icon } from './icons.js';
import { CREATE_FOLDER, DELETE, DESCENDANTS, LINK, RENAME, SET_PUBLIC } from './operations.js';

/** Opens a dialog with this content. It goes with Escape, and gives the focus back. */
export function openDialog(title, content, { wide = false } = {}) {
  const id = newId('dialog');
  const close = el('button', { type: 'button', class: 'button icon-button', 'aria-label': 'Close', on: { click: () => dialog.close() } }, icon('close'));
  const dialog = el('dialog', { class: wide ? 'dialog wide' : 'dialog', 'aria-labelledby': id },
    el('header', {}, el('h2', { id }, el('bdi', {}, title)), close), ...content);
  const before = document.activeElement;
  dialog.addEventListener('close', () => {
    dialog.remove();
    if (before?.isConnected) before.focus({ preventScroll: true });
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Closes those that are open, the topmost first. */
export function closeDialogs() {
  for (const dialog of [...document.querySelectorAll('dialog[open]')].reverse()) dialog.close();
}

/** Asks, and does it: `run` may throw, and then the dialog says why and stays. Answers what `run` did, or null. */
function ask(title, content, { name, run, isDangerous = false }) {
  return new Promise((resolve) => {
    const error = el('p', { class: 'error', role: 'alert' });
    const confirm = el('button', { type: 'submit', class: isDangerous ? 'button primary danger' : 'button primary' }, name);
    const cancel = el('button', { type: 'button', class: 'button', on: { click: () => dialog.close() } }, 'Cancel');
    const form = el('form', { novalidate: true }, ...content, error, el('p', { class: 'buttons' }, cancel, confirm));
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      confirm.disabled = true;
      error.textContent = '';
      try {
        const done = await run();
        resolve(done);
        dialog.close();
      } catch (failure) {
        error.textContent = sentence(failure);
        if (failure.code === 'UNAUTHENTICATED') dialog.close();
      } finally {
        confirm.disabled = false;
      }
    });
    const dialog = openDialog(title, [form]);
    dialog.addEventListener('close', () => resolve(null));
    (form.querySelector('input') ?? cancel).focus();
  });
}

function nameField(value) {
  const id = newId('name');
  const input = el('input', { id, type: 'text', autocomplete: 'off', spellcheck: 'false', dir: 'auto' });
  input.value = value;
  return { input, parts: [el('label', { for: id }, 'Name'), input] };
}

/** Asks for the name of a new folder, and makes it. */
export function newFolder(parentId) {
  const { input, parts } = nameField('');
  const run = async () => {
    const { folder } = await mutate(CREATE_FOLDER, { name: input.value.trim(), parentId }).catch((error) => {
      if (error.code !== 'NOT_FOUND') throw error;
      throw new ApiError({ code: 'PARENT_GONE', message: 'The folder that it was for is no longer there. Somebody may have deleted it meanwhile.' });
    });
    return folder;
  };
  return ask('New folder', parts, { name: 'Create', run });
}

/** Asks for another name. */
export function rename(file) {
  const { input, parts } = nameField(file.name);
  const run = async () => (await mutate(RENAME, { fileId: file.id, name: input.value.trim() })).file;
  const answer = ask(file.kind === 'FOLDER' ? 'Rename the folder' : 'Rename the file', parts, { name: 'Rename', run });
  // Up to the ending, which mostly stays.
  const dot = file.kind === 'FOLDER' ? -1 : file.name.lastIndexOf('.');
  input.setSelectionRange(0, dot > 0 ? dot : file.name.length);
  return answer;
}

/** Says what goes, and deletes it. Answers the ID of what is gone. */
export function remove(file) {
  const name = el('strong', {}, el('bdi', {}, file.name));
  const isFolder = file.kind === 'FOLDER';
  const within = el('span', {}, isFolder ? ' and everything in it' : '');
  const content = el('p', {}, isFolder ? 'Delete the folder ' : 'Delete ', name, within, '? There is no undo.');
  const run = async () => (await mutate(DELETE, { fileId: file.id })).deletedFileId;
  const answer = ask(isFolder ? 'Delete the folder' : 'Delete the file', [content], { name: 'Delete', run, isDangerous: true });
  // How much that is takes a moment; until then, and if it cannot be learned, what was said is true as well.
  const count = async () => {
    const { file: found } = await request(DESCENDANTS, { id: file.id });
    if (!found) return;
    const { descendantCount: inside } = found;
    within.textContent = inside === 0 ? ', which is empty' : ` and the ${plural(inside, 'file or folder', 'files and folders')} in it`;
  };
  if (isFolder) count().catch(() => {});
  return answer;
}

const lifetimes = [[3600, 'an hour'], [86_400, 'a day'], [604_800, 'a week']];

/** Shows the link of a file, and changes who may see it. `changed` is called with the file as it is then. */
export function share(file, changed) {
  const [field, box, life] = ['link', 'public', 'life'].map(newId);
  const link = el('input', { id: field, type: 'text', readonly: true, dir: 'ltr' });
  const isPublic = el('input', { id: box, type: 'checkbox' });
  const expiry = el('select', { id: life }, ...lifetimes.map(([value, name]) => el('option', { value }, name)));
  const row = el('p', { class: 'row' }, el('label', { for: life }, 'The link works for'), expiry);
  const error = el('p', { class: 'error', role: 'alert' });
  const said = el('span', { role: 'status' });
  const button = el('button', { type: 'button', class: 'button primary' }, 'Copy link');
  const isFolder = file.kind === 'FOLDER';

  async function show() {
    row.hidden = isPublic.checked || isFolder;
    link.value = '';
    said.textContent = '';
    const { file: found } = await request(LINK, { id: file.id, expiresIn: Number(expiry.value) });
    if (!found) throw Object.assign(new Error(), { code: 'NOT_FOUND' });
    link.value = found.url;
  }
  const attempt = async (run) => {
    error.textContent = '';
    isPublic.ariaDisabled = 'true';
    try {
      await run();
    } catch (failure) {
      error.textContent = sentence(failure);
      isPublic.checked = file.isPublic;
    } finally {
      isPublic.ariaDisabled = null;
    }
  };
  isPublic.checked = file.isPublic;
  // Not by disabling it: a key that is pressed in a disabled field goes nowhere, and Escape has to close the dialog.
  isPublic.addEventListener('click', (event) => {
    if (isPublic.ariaDisabled) event.preventDefault();
  });
  isPublic.addEventListener('change', () => attempt(async () => {
    const { file: now } = await mutate(SET_PUBLIC, { fileId: file.id, isPublic: isPublic.checked });
    file = { ...file, ...now };
    changed(now);
    if (!isFolder) await show();
  }));
  expiry.addEventListener('change', () => attempt(show));
  link.addEventListener('focus', () => link.select());
  button.addEventListener('click', async () => {
    said.textContent = (await copy(link.value)) ? 'Copied.' : 'Copy it by hand: the browser does not allow it.';
  });

  const choice = el('p', { class: 'row' }, isPublic, el('label', { for: box }, isFolder
    ? 'Public: anybody who has its ID may see the folder, and what is public in it'
    : 'Public: anybody who has the link may see it'));
  const parts = isFolder ? [] : [el('label', { for: field }, 'Link'), link, row, el('p', { class: 'buttons' }, said, button)];
  openDialog(`Share ${file.name}`, [choice, ...parts, error]);
  if (!isFolder) attempt(show);
}

/** Saves a file: the answer of the server says so, so the page stays. */
export function save(url) {
  const link = el('a', { href: local(url), download: true });
  document.body.append(link);
  link.click();
  link.remove();
}
