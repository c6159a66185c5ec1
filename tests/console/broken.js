// Steps in which the line is held up or cut, or the session ends, while bytes are on their way.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { ask, cell, endSession, logIn, namesOf, newAccount, onlyLost, PASSWORD } from './drive.js';

/** Enough of them that some wait while others are sent, and each too large to arrive at once. */
const many = () => [1, 2, 3, 4, 5].map((number) => ({ name: `${number}.bin`, mimeType: 'x/y', buffer: randomBytes(900_000) }));
const names = ['1.bin', '2.bin', '3.bin', '4.bin', '5.bin'];

const title = (page, text) => page.locator('#tray-title', { hasText: text });

/** A tab of a new account, and the token of another session of it. */
async function newTab({ another, server }) {
  const page = await another();
  const { email, token } = await newAccount(server);
  await logIn(page, server, email);
  return { page, email, token };
}

async function stored({ page, server, token, notes }) {
  await title(page, /^Uploaded 5 files$/).waitFor();
  for (const name of names) await cell(page, name).waitFor();
  assert.deepEqual(await namesOf(server, token), names);
  onlyLost(notes);
  await page.context().close();
}

export const steps = {
  async a_session_that_ends_in_the_middle_of_uploads_loses_none(world) {
    const { server, line, notes } = world;
    const { page, token } = await newTab(world);
    const held = line.hold(200_000);
    await page.setInputFiles('#picker', many());
    await held;
    await endSession(page, server);
    await page.locator('#sign-in-error', { hasText: 'Your session has ended. Log in again' }).waitFor();
    // Those on their way were let in before, and arrive; the others wait.
    line.mend();
    await title(page, 'Uploads wait for you to log in').waitFor();
    await page.fill('#password', PASSWORD);
    await page.click('#sign-in-button');
    await stored({ page, server, token, notes });
  },

  async uploads_that_wait_for_somebody_are_not_given_to_another(world) {
    const { server, line, notes } = world;
    const { page, token } = await newTab(world);
    const other = await newAccount(server);
    const held = line.hold(200_000);
    await page.setInputFiles('#picker', many());
    await held;
    await endSession(page, server);
    await page.locator('#sign-in-error:not(:empty)').waitFor();
    line.mend();
    await title(page, 'Uploads wait for you to log in').waitFor();
    await page.fill('#email', other.email);
    await page.fill('#password', PASSWORD);
    await page.click('#sign-in-button');
    await page.getByText('Nothing here yet.').waitFor();
    await page.locator('#tray').waitFor({ state: 'hidden' });
    assert.deepEqual(await namesOf(server, other.token), []);
    assert.equal((await namesOf(server, token)).length, 3);
    onlyLost(notes);
    await page.context().close();
  },

  async a_line_that_breaks_in_the_middle_of_uploads_loses_none(world) {
    const { server, line, notes } = world;
    const { page, token } = await newTab(world);
    const held = line.hold(200_000);
    await page.setInputFiles('#picker', many());
    await held;
    line.cut();
    await title(page, 'Uploads wait for the connection').waitFor();
    await page.getByText('Connection lost. Trying again…').waitFor();
    line.mend();
    await stored({ page, server, token, notes });
  },

  async an_upload_whose_answer_was_lost_is_not_stored_twice(world) {
    const { server, line, notes } = world;
    const { page, token } = await newTab(world);
    const lost = line.answer(/"upload":\{"file":\{/, { cut: true });
    await page.setInputFiles('#picker', many());
    await lost;
    await title(page, 'Uploads wait for the connection').waitFor();
    line.mend();
    await stored({ page, server, token, notes });
  },

  async a_folder_opened_while_the_server_is_away_is_named_when_it_is_back(world) {
    const { server, line, notes } = world;
    const { page, token } = await newTab(world);
    const query = 'mutation($input: CreateFolderInput!) { createFolder(input: $input) { userErrors { message } } }';
    await ask(server, token, query, { input: { name: 'Letters' } });
    await page.reload();
    await cell(page, 'Letters').waitFor();
    line.cut();
    await page.getByText('Connection lost. Trying again…').waitFor();
    await cell(page, 'Letters').locator('.open').click();
    await page.locator('#state', { hasText: 'The server cannot be reached.' }).waitFor();
    line.mend();
    await page.getByText('This folder is empty.').waitFor();
    await page.locator('#crumbs [aria-current]', { hasText: 'Letters' }).waitFor();
    onlyLost(notes);
    await page.context().close();
  },
};
