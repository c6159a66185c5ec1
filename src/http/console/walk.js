// What was dropped or picked, as files with the folders that they are in.

import { ApiError, mutate } from './client.js';
import { CREATE_FOLDER } from './operations.js';

/** The files of a drop; folders are walked. To be called at once: what was dropped cannot be read later. */
export function dropped(transfer) {
  const items = [...transfer.items].filter(({ kind }) => kind === 'file');
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile()).filter(Boolean);
  return (async function* () {
    for (const entry of entries) {
      if (entry instanceof File) yield { file: entry, folders: [] };
      else yield* walk(entry, []);
    }
  })();
}

/** The files of a picker, of folders too. */
export async function* picked(files) {
  for (const file of files) {
    const folders = (file.webkitRelativePath ?? '').split('/').slice(0, -1);
    yield { file, folders };
  }
}

async function* walk(entry, folders) {
  const message = `“${entry.name}” could not be read. Drop it once more, or what is in it.`;
  const unreadable = { file: null, folders, error: new ApiError({ code: 'UNREADABLE', message }) };
  const read = (start) => new Promise(start).catch(() => null);
  if (entry.isFile) {
    const file = await read((resolve, reject) => entry.file(resolve, reject));
    yield file ? { file, folders } : unreadable;
    return;
  }
  const within = [...folders, entry.name];
  // An empty folder is one, too.
  yield { file: null, folders: within };
  const reader = entry.createReader();
  for (;;) {
    // A hundred at a time, until there are none.
    const entries = await read((resolve, reject) => reader.readEntries(resolve, reject));
    if (!entries) yield unreadable;
    if (!entries?.length) return;
    for (const child of entries) yield* walk(child, within);
  }
}

/**
 * Answers what puts files into the folders they were in, under one of ours. Each folder is made once, and told to `made`; `each`
 * gets every file and the ID of its folder; `skipped` hears of what cannot be read, or has no name that a folder may have.
 */
export function placing(parentId, { each, made, skipped }) {
  const known = new Map();
  async function make(folders) {
    const name = folders.at(-1);
    const parent = await ensure(folders.slice(0, -1));
    const { folder } = await mutate(CREATE_FOLDER, { name, parentId: parent }).catch((error) => {
      if (error.code !== 'BAD_USER_INPUT') throw error;
      throw new ApiError({ code: 'SKIPPED', message: `The folder “${name}” was left out: ${error.message}` });
    });
    made(folder);
    return folder.id;
  }
  function ensure(folders) {
    if (folders.length === 0) return parentId;
    const key = JSON.stringify(folders);
    if (!known.has(key)) known.set(key, make(folders));
    return known.get(key);
  }

  /** One folder in trouble is in the way of no other. Throws the first trouble, with what is `left` to be placed by another call. */
  return async function place(found) {
    const left = [];
    const said = new Set();
    let trouble = null;
    for await (const { file, folders, error } of found) {
      try {
        if (error) throw error;
        const id = await ensure(folders);
        if (file) each(file, id);
      } catch (problem) {
        if (!['SKIPPED', 'UNREADABLE'].includes(problem.code)) {
          trouble ??= problem;
          left.push({ file, folders });
        } else if (!said.has(problem)) {
          said.add(problem);
          skipped(problem);
        }
      }
    }
    for (const [key, id] of known) await id.catch(() => known.delete(key));
    if (trouble) throw Object.assign(trouble, { left });
  };
}
