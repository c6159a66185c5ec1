// Steps with files and folders of a real disk: dragged in as a desktop does it, and changed before they were sent.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { ask, cell, logIn, newAccount } from './drive.js';

/** Makes a folder with these paths in it; one that ends in a slash is an empty folder. */
function tree(paths) {
  const root = mkdtempSync(join(tmpdir(), 'strongroom-dragged-'));
  for (const path of paths) {
    mkdirSync(join(root, dirname(`${path}x`)), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(join(root, path), path);
  }
  return root;
}

/** Drags what is on the disk from a desktop onto the page. */
async function drag(page, files) {
  const tools = await page.context().newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop']) await tools.send('Input.dispatchDragEvent', { type, x: 700, y: 500, data });
  await tools.detach();
}

/** The paths of everything that somebody has, folders with a slash at the end. */
async function pathsOf(server, token) {
  const query = `query($after: String) {
    viewer { files(first: 100, after: $after) { nodes { name kind ancestors { name } } pageInfo { hasNextPage endCursor } } }
  }`;
  const paths = [];
  let page = { hasNextPage: true, endCursor: null };
  while (page.hasNextPage) {
    const { viewer } = await ask(server, token, query, { after: page.endCursor });
    for (const { name, kind, ancestors } of viewer.files.nodes) {
      paths.push([...ancestors.map((folder) => folder.name), name].join('/') + (kind === 'FOLDER' ? '/' : ''));
    }
    page = viewer.files.pageInfo;
  }
  return paths.sort();
}

async function newTab({ another, server }) {
  const page = await another();
  const { email, token } = await newAccount(server);
  await logIn(page, server, email);
  return { page, token };
}

export const steps = {
  async a_folder_dragged_in_is_walked_to_its_end(world) {
    const { page, token } = await newTab(world);
    // A browser reads a hundred entries at a time.
    const many = Array.from({ length: 150 }, (_, index) => `Trip/many/${index + 1}.txt`);
    const files = [...many, 'Trip/.hidden', 'Trip/Day 1/Morning/תמונה.txt', 'alone.txt'];
    const root = tree([...files, 'Trip/empty/']);
    await drag(page, [join(root, 'Trip'), join(root, 'alone.txt')]);
    await page.locator('#tray-title', { hasText: /^Uploaded 153 files$/ }).waitFor();
    assert.ok(await page.locator('#drop').isHidden());
    const folders = ['Trip/', 'Trip/Day 1/', 'Trip/Day 1/Morning/', 'Trip/empty/', 'Trip/many/'];
    assert.deepEqual(await pathsOf(world.server, token), [...files, ...folders].sort());
    await cell(page, 'Trip').locator('.open').click();
    await page.getByText('4 items').waitFor();
    rmSync(root, { recursive: true });
    await page.context().close();
  },

  async a_folder_whose_name_is_none_here_is_in_the_way_of_no_other(world) {
    const { page, token } = await newTab(world);
    const root = tree(['Trip/back\\slash/lost.txt', 'Trip/kept.txt']);
    await drag(page, [join(root, 'Trip')]);
    await page.getByText('The folder “back\\slash” was left out: A name must not contain a slash or a backslash.').waitFor();
    await page.locator('#tray-title', { hasText: /^Uploaded 1 file$/ }).waitFor();
    assert.deepEqual(await pathsOf(world.server, token), ['Trip/', 'Trip/kept.txt']);
    rmSync(root, { recursive: true });
    await page.context().close();
  },

  async a_file_that_is_gone_before_it_was_sent_is_told_from_a_lost_connection(world) {
    const { line, notes } = world;
    const { page } = await newTab(world);
    const root = tree(['1.txt', '2.txt', '3.txt', 'gone.txt']);
    const held = line.hold(0);
    await page.setInputFiles('#picker', ['1.txt', '2.txt', '3.txt', 'gone.txt'].map((name) => join(root, name)));
    await held;
    rmSync(root, { recursive: true });
    line.mend();
    await page.locator('.tray li[data-state="failed"]', { hasText: 'gone.txt' }).getByText('The file cannot be read').waitFor();
    // The browser says so, too.
    assert.ok(notes.splice(0).every((note) => /ERR_(FILE_NOT_FOUND|UPLOAD_FILE_CHANGED|ACCESS_DENIED)/.test(note)), notes.join());
    await page.context().close();
  },
};
