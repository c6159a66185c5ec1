// What can be done with a file, wherever it is chosen: in a cell, with a key, in the preview.

import { mutate, request } from './client.js';
import { remove, rename, save, share } from './dialogs.js';
import { folder } from './folder.js';
import { openMenu } from './menu.js';
import { chooseFolder } from './move.js';
import { failure, notice } from './notices.js';
import { DOWNLOAD, RETRY } from './operations.js';
import { preview } from './preview.js';
import { look } from './session.js';

/** Goes to a folder. browse.js says how. */
export const go = { to: () => {} };

/** Does it; a failure is said, with a way on. */
async function attempt(run) {
  try {
    await run();
  } catch (error) {
    if (error.code === 'NOT_FOUND') folder.refreshSoon();
    failure(error, () => attempt(run));
  }
}

const doRename = (file) => attempt(async () => {
  const renamed = await rename(file);
  if (renamed) folder.apply(renamed);
});

const doRemove = (file) => attempt(async () => {
  const id = await remove(file);
  if (!id) return;
  folder.remove(id);
  notice(`Deleted “${file.name}”.`);
  await look();
});

const doRetry = (file) => attempt(async () => {
  folder.forget(file.id);
  const { file: now } = await mutate(RETRY, { fileId: file.id });
  folder.apply(now);
  notice(`The thumbnails of “${file.name}” are being made again.`);
});

const download = (file) => attempt(async () => {
  const { file: found } = await request(DOWNLOAD, { id: file.id });
  if (!found) throw Object.assign(new Error(), { code: 'NOT_FOUND' });
  save(found.url);
});

/** Those that change a file. */
function changes(file) {
  const all = [
    { name: 'Share…', run: () => share(file, (now) => folder.apply(now)) },
    { name: 'Rename…', run: () => doRename(file) },
    { name: 'Move…', run: () => chooseFolder(file) },
  ];
  if (file.thumbnailStatus === 'FAILED') all.push({ name: 'Make thumbnails again', run: () => doRetry(file) });
  return [...all, { name: 'Delete…', run: () => doRemove(file), isDangerous: true }];
}

const open = (file) => (file.kind === 'FOLDER' ? go.to(file.id) : preview(file, changes));

/** The handlers of a cell. */
export const handlers = {
  open,
  rename: doRename,
  remove: doRemove,
  menu(file, anchor, point) {
    const first = [{ name: 'Open', run: () => open(file) }];
    if (file.kind !== 'FOLDER') first.push({ name: 'Download', run: () => download(file) });
    openMenu(anchor, [...first, ...changes(file)], { label: file.name, point });
  },
};
