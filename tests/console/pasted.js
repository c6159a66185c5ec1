// Steps that copy code from the panel and run it as pasted: with sh, and with Node in a folder that has the packages of the
// first line, and nothing else.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { cell, gone, logIn, namesOf, newAccount } from './drive.js';
import { picture, text } from './pictures.js';

const WAYS = ['curl', 'Apollo', 'urql'];
/** What a shell, curl's forms, JavaScript and JSON each have a meaning for. A name may hold no slash, backslash or line. */
const AWKWARD = 'it\'s "so" $HOME `id` $(id) ${1 + 1}; type=a, <b> & 100 % 🎉 שלום';

/** Copies what was sent last under this name, as the button says. */
async function copied(page, operation, way) {
  const entry = page.locator('.entries > li').filter({ has: page.locator('.operation', { hasText: new RegExp(`^${operation}$`) }) }).first();
  if (!(await entry.locator('.entry').isVisible())) await entry.locator('summary').click();
  await page.evaluate(() => navigator.clipboard.writeText(''));
  const button = entry.getByRole('button').nth(WAYS.indexOf(way));
  assert.equal(await button.textContent(), `Copy as ${way}`);
  await button.click();
  await entry.getByRole('button', { name: 'Copied' }).first().waitFor();
  return page.evaluate(() => navigator.clipboard.readText());
}

/** Starts it in a folder of its own, which has these files. `ended` brings what it printed. */
function start(code, way, files = []) {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-pasted-'));
  for (const { name, buffer } of files) writeFileSync(join(folder, name), buffer);
  const script = join(folder, way === 'curl' ? 'operation.sh' : 'operation.mjs');
  writeFileSync(script, code);
  if (way !== 'curl') {
    const [, packages] = /^\/\/ npm install (.*); save as operation\.mjs\n/.exec(code);
    for (const name of packages.split(' ')) {
      const place = join(folder, 'node_modules', name);
      mkdirSync(dirname(place), { recursive: true });
      symlinkSync(join(import.meta.dirname, 'node_modules', name), place);
    }
  }
  const child = spawn(way === 'curl' ? 'sh' : process.execPath, [script], { cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (words) => (output.out += words));
  child.stderr.setEncoding('utf8').on('data', (words) => (output.err += words));
  const ended = once(child, 'close').then(([status]) => {
    rmSync(folder, { recursive: true });
    return { ...output, status };
  });
  return { child, output, ended };
}

/** Runs it to its end; answers the data, in which each of them prints it. */
async function run(code, way, files) {
  const { out, err, status } = await start(code, way, files).ended;
  assert.equal(status, 0, `${way}: ${err}\n${code}`);
  const answer = JSON.parse(out);
  return way === 'curl' ? answer.data : answer;
}

/** A tab with the panel open, of a new account. */
async function open({ another, server }) {
  const page = await another();
  const { email, token } = await newAccount(server);
  await logIn(page, server, email);
  await page.click('#panel-toggle');
  return { page, token };
}

export const steps = {
  async a_query_works_as_pasted(world) {
    const { page } = await open(world);
    await page.click('#new-folder');
    await page.fill('dialog input', AWKWARD);
    await page.keyboard.press('Enter');
    await cell(page, AWKWARD).waitFor();
    await page.fill('#search', `${AWKWARD}\\`);
    await page.getByText('No file has').waitFor();
    await page.fill('#search', AWKWARD);
    await page.getByText('1 file found').waitFor();
    for (const way of WAYS) {
      const { viewer } = await run(await copied(page, 'Search', way), way);
      assert.deepEqual(viewer.files.nodes.map(({ name }) => name), [AWKWARD], way);
    }
    await page.context().close();
  },

  async a_mutation_works_as_pasted(world) {
    const { page, token } = await open(world);
    await page.click('#new-folder');
    await page.fill('dialog input', AWKWARD);
    await page.keyboard.press('Enter');
    await cell(page, AWKWARD).waitFor();
    for (const way of WAYS) {
      const { createFolder } = await run(await copied(page, 'CreateFolder', way), way);
      assert.deepEqual(createFolder.userErrors, [], way);
      assert.equal(createFolder.folder.name, AWKWARD, way);
    }
    assert.deepEqual(await namesOf(world.server, token), Array(4).fill(AWKWARD));
    await page.context().close();
  },

  async an_upload_works_as_pasted_with_its_file(world) {
    const { page, token } = await open(world);
    const file = text(`${AWKWARD};type=a.txt`, 'as pasted');
    await page.setInputFiles('#picker', [file]);
    await cell(page, file.name).waitFor();
    for (const way of WAYS) {
      const { upload } = await run(await copied(page, 'Upload', way), way, [file]);
      assert.deepEqual(upload.userErrors, [], way);
      assert.deepEqual([upload.file.name, upload.file.size], [file.name, 9], way);
    }
    assert.deepEqual(await namesOf(world.server, token), Array(4).fill(file.name));
    await page.context().close();
  },

  async a_line_within_a_name_reaches_the_server_as_pasted(world) {
    const { page } = await open(world);
    const file = text('two\nlines.txt', 'as pasted');
    await page.setInputFiles('#picker', [file]);
    await page.locator('.tray').getByText('A name must not contain control characters.').waitFor();
    for (const way of WAYS) {
      const { upload } = await run(await copied(page, 'Upload', way), way, [file]);
      assert.deepEqual(upload.userErrors.map(({ message }) => message), ['A name must not contain control characters.'], way);
    }
    await page.context().close();
  },

  async a_subscription_works_as_pasted(world) {
    const { page } = await open(world);
    for (const way of WAYS) {
      const listening = world.line.answer(/text\/event-stream|multipart\/mixed/);
      const { child, output, ended } = start(await copied(page, 'Thumbnails', way), way);
      await listening;
      const { name, mimeType, buffer } = picture(`for ${way}.png`);
      const heard = new Promise((resolve, reject) => {
        child.stdout.on('data', () => output.out.includes(name) && output.out.includes('READY') && resolve());
        child.once('close', () => reject(new Error(`${way} ended: ${output.err}`)));
      });
      await page.setInputFiles('#picker', [{ name, mimeType, buffer }]);
      await heard;
      // With what the shell started.
      process.kill(-child.pid);
      await ended;
      await gone(page.locator('.badge', { hasText: 'Making' }));
    }
    await page.context().close();
  },

  async a_password_is_neither_shown_nor_copied(world) {
    const { page } = await open(world);
    const entry = page.locator('.entries > li').filter({ hasText: 'Login' });
    await entry.locator('summary').click();
    // Nothing but what opens a session works without the token, which is copied; that is said.
    const warning = 'The copied code holds the token of your session.';
    assert.ok(await entry.getByText(warning).isHidden());
    assert.doesNotMatch(await entry.textContent(), /correct horse|eyJ/);
    for (const way of WAYS) assert.doesNotMatch(await copied(page, 'Login', way), /correct horse|eyJ|TOKEN|Bearer/);
    const other = page.locator('.entries > li').filter({ hasText: 'Viewer' }).last();
    await other.locator('summary').click();
    await other.getByText(warning).waitFor();
    await page.context().close();
  },
};
