// What was dropped or picked, as files with the folders that they are in.

import { mutate } from './client.js';
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
  if (entry.isFile) {
    yield { file: await new Promise((resolve, reject) => entry.file(resolve, reject)), folders };
    return;
  }
  const within = [...folders, entry.name];
  // An empty folder is one, too.
  yield { file: null, folders: within };
  const reader = entry.createReader();
  for (;;) {
    // A hundred at a time, until there are none.
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return;
    for (const child of entries) yield* walk(child, within);
  }
}

/** Makes the folders under one of ours, each once, and calls `each` with every file and the ID of its folder. */
export async function place(found, parentId, { each, made }) {
  const known = new Map();
  const ensure = async (folders) => {
    if (folders.length === 0) return parentId;
    const key = JSON.stringify(folders);
    if (!known.has(key)) {
      const { folder } = await mutate(CREATE_FOLDER, { name: folders.at(-1), parentId: await ensure(folders.slice(0, -1)) });
      known.set(key, folder.id);
      made(folder);
    }
    return known.get(key);
  };
  for await (const { file, folders } of found) {
    const id = await ensure(folders);
    if (file) each(file, id);
  }
}
