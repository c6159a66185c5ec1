// What the steps do again and again, in the console and behind its back.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

export const PASSWORD = 'correct horse battery staple';

/** The cell of a file; a part of its name will do. */
export const cell = (page, name) => page.locator('.cell').filter({ has: page.locator('.name', { hasText: name }) });

/** Chooses from the menu of a file. */
export async function menu(page, name, entry) {
  await cell(page, name).locator('.more').click();
  await page.getByRole('menuitem', { name: entry }).click();
}

/** Waits until exactly so many thumbnails are on the screen. */
export const thumbnails = (page, count) =>
  page.waitForFunction((wanted) => document.querySelectorAll('.thumbnail.loaded').length === wanted, count);

export const gone = (locator) => locator.waitFor({ state: 'detached' });

/** Logs in by hand. */
export async function logIn(page, server, email) {
  await page.goto(server.url);
  await page.fill('#email', email);
  await page.fill('#password', PASSWORD);
  await page.click('#sign-in-button');
  await page.waitForSelector('#drive');
}

/** Asks the API; answers the data. */
export async function ask(server, token, query, variables) {
  const answer = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

/** Opens an account behind the console's back. */
export async function newAccount(server) {
  const email = `${randomUUID()}@example.org`;
  const query = 'mutation($input: RegisterInput!) { register(input: $input) { token userErrors { message } } }';
  const { register } = await ask(server, null, query, { input: { email, password: PASSWORD } });
  return { email, token: register.token };
}

/** The names of everything that somebody has, in order. */
export async function namesOf(server, token) {
  const query = 'query($after: String) { viewer { files(first: 100, after: $after) { nodes { name } pageInfo { hasNextPage endCursor } } } }';
  const names = [];
  let page = { hasNextPage: true, endCursor: null };
  while (page.hasNextPage) {
    const { viewer } = await ask(server, token, query, { after: page.endCursor });
    names.push(...viewer.files.nodes.map(({ name }) => name));
    page = viewer.files.pageInfo;
  }
  return names.sort();
}

/** Ends the session of this tab as an operator or another device would, without its knowing. */
export async function endSession(page, server) {
  const { token } = await page.evaluate(() => JSON.parse(sessionStorage.getItem('strongroom.session')));
  await ask(server, token, 'mutation { logout { userErrors { code } } }');
}

/** A browser says by itself what it could not reach, and when it was refused. Nothing else may have been said. */
export function onlyLost(notes) {
  const expected = /ERR_(CONNECTION_\w+|SOCKET_NOT_CONNECTED|EMPTY_RESPONSE)|WebSocket connection|status of 401/;
  assert.deepEqual(notes.splice(0).filter((note) => !expected.test(note)), []);
}
