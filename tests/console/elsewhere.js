// Steps in which something has changed elsewhere, or is deeper or longer than usual.

import assert from 'node:assert/strict';

import { PASSWORD, ask, cell, gone, logIn, menu, newAccount } from './drive.js';
import { text } from './pictures.js';

const MAKE = 'mutation($input: CreateFolderInput!) { createFolder(input: $input) { folder { id } userErrors { message } } }';
const DELETE = 'mutation($input: DeleteInput!) { delete(input: $input) { userErrors { message } } }';

/** Makes folders one within the other behind the console's back. Answers their IDs. */
async function nest(server, token, count) {
  const ids = [];
  for (let level = 1; level <= count; level++) {
    const { createFolder } = await ask(server, token, MAKE, { input: { name: `Level ${level}`, parentId: ids.at(-1) ?? null } });
    ids.push(createFolder.folder.id);
  }
  return ids;
}

/** Somebody new in an empty folder, which they have gone into from the root. */
async function inFolder({ another, server }) {
  const page = await another();
  const { email, token } = await newAccount(server);
  const [id] = await nest(server, token, 1);
  await logIn(page, server, email);
  await cell(page, 'Level 1').locator('.open').click();
  await page.getByText('This folder is empty.').waitFor();
  return { page, id, token };
}

export const steps = {
  async a_link_to_a_folder_leads_there_after_logging_in({ another, server }) {
    const page = await another();
    const { email, token } = await newAccount(server);
    const [id] = await nest(server, token, 1);
    await page.goto(`${server.url}/#/folder/${id}`);
    await page.fill('#email', email);
    await page.fill('#password', PASSWORD);
    await page.click('#sign-in-button');
    await page.locator('#crumbs [aria-current]', { hasText: 'Level 1' }).waitFor();
    await page.context().close();
  },

  async an_address_that_leads_nowhere_says_so_and_gives_way({ another, server }) {
    const page = await another();
    const { email } = await newAccount(server);
    await logIn(page, server, email);
    for (const address of ['#/file/nonsense', '#/explorer/nonsense', '#nonsense']) {
      await page.goto(`${server.url}/${address}`);
      await page.locator('.notice', { hasText: `There is nothing at “${address}”.` }).waitFor();
      await page.getByText('Nothing here yet.').waitFor();
      assert.equal(await page.evaluate(() => location.hash), '#/');
    }
    await page.context().close();
  },

  async skipping_to_the_content_leads_nowhere_else({ another, server }) {
    const page = await another();
    const { email, token } = await newAccount(server);
    const [id] = await nest(server, token, 1);
    await logIn(page, server, email);
    await page.goto(`${server.url}/#/folder/${id}`);
    await page.getByText('This folder is empty.').waitFor();
    await page.locator('.skip').focus();
    await page.keyboard.press('Enter');
    assert.ok(await page.locator('#content').evaluate((content) => content === document.activeElement));
    assert.equal(await page.evaluate(() => location.hash), `#/folder/${id}`);
    await page.context().close();
  },

  async a_deep_path_shows_both_ends_and_the_rest_as_a_menu({ another, server, accessible }) {
    const page = await another();
    const { email, token } = await newAccount(server);
    const ids = await nest(server, token, 64);
    await logIn(page, server, email);
    await page.goto(`${server.url}/#/folder/${ids.at(-1)}`);
    await page.getByText('This folder is empty.').waitFor();
    assert.deepEqual(await page.locator('#crumbs li').allTextContents(), ['My files', '…', 'Level 62', 'Level 63', 'Level 64']);
    await page.click('#new-folder');
    await page.fill('dialog input', 'Level 65');
    await page.keyboard.press('Enter');
    await page.getByText('Folders can be nested at most 64 deep.').waitFor();
    await page.keyboard.press('Escape');
    await page.getByLabel('61 folders between').click();
    await accessible(page);
    await page.getByRole('menuitem', { name: 'Level 30', exact: true }).click();
    await page.locator('#crumbs [aria-current]', { hasText: 'Level 30' }).waitFor();
    await page.context().close();
  },

  async what_was_deleted_elsewhere_is_said_to_be_gone({ another, server }) {
    const page = await another();
    const { email, token } = await newAccount(server);
    const [id] = await nest(server, token, 1);
    await logIn(page, server, email);
    await page.setInputFiles('#picker', [text('note.txt', 'words')]);
    await cell(page, 'note.txt').waitFor();
    const { files } = await ask(server, token, '{ files(filter: { kinds: [FILE] }, first: 1) { nodes { id } } }');
    await cell(page, 'Level 1').locator('.open').click();
    await page.getByText('This folder is empty.').waitFor();

    await ask(server, token, DELETE, { input: { fileId: id } });
    await page.setInputFiles('#picker', [text('late.txt', 'late')]);
    await page.getByText('The folder that it was for is no longer there.').waitFor();
    await page.reload();
    await page.getByText('There is no such folder.').waitFor();
    await page.getByText('Go to My files').click();

    await cell(page, 'note.txt').waitFor();
    await ask(server, token, DELETE, { input: { fileId: files.nodes[0].id } });
    await menu(page, 'note.txt', 'Share…');
    await page.locator('dialog .error', { hasText: 'It is no longer there.' }).waitFor();
    await page.keyboard.press('Escape');
    await menu(page, 'note.txt', 'Download');
    await page.locator('.notice', { hasText: 'It is no longer there.' }).waitFor();
    await gone(cell(page, 'note.txt'));
    await page.context().close();
  },

  async what_was_made_elsewhere_is_there_when_one_comes_back({ another, server }) {
    const page = await another();
    const { email, token } = await newAccount(server);
    await logIn(page, server, email);
    await page.getByText('Nothing here yet.').waitFor();
    const [id] = await nest(server, token, 1);
    const form = new FormData();
    const query = 'mutation($input: UploadInput!) { upload(input: $input) { userErrors { message } } }';
    form.append('operations', JSON.stringify({ query, variables: { input: { file: null } } }));
    form.append('map', '{"0":["variables.input.file"]}');
    form.append('0', new Blob(['words']), 'note.txt');
    const sent = await fetch(`${server.url}/graphql`, { method: 'POST', headers: { Authorization: `Bearer ${token}` }, body: form });
    assert.deepEqual((await sent.json()).data, { upload: { userErrors: [] } });
    const comeBack = () => page.evaluate(() => dispatchEvent(new Event('focus')));
    await comeBack();
    await cell(page, 'Level 1').waitFor();
    await cell(page, 'note.txt').waitFor();
    await page.locator('#usage', { hasText: '1 file, 5 bytes in all' }).waitFor();
    await ask(server, token, DELETE, { input: { fileId: id } });
    await comeBack();
    await gone(cell(page, 'Level 1'));
    await page.context().close();
  },

  async back_closes_a_preview_and_leaves_the_folder({ another, server }) {
    const { page, id } = await inFolder({ another, server });
    await page.setInputFiles('#picker', [text('note.txt', 'words'), text('empty.txt', '')]);
    for (const leave of [() => page.goBack(), () => page.keyboard.press('Escape')]) {
      await cell(page, 'empty.txt').locator('.open').click();
      await page.locator('dialog dd').getByText('0 bytes', { exact: true }).waitFor();
      await leave();
      await gone(page.locator('dialog'));
      await page.waitForFunction(() => history.state === null);
      assert.equal(await page.evaluate(() => location.hash), `#/folder/${id}`);
    }
    await cell(page, 'note.txt').waitFor();
    await page.goBack();
    await cell(page, 'Level 1').waitFor();
    await page.context().close();
  },

  async what_no_longer_matches_the_filter_goes({ another, server }) {
    const page = await another();
    const { email } = await newAccount(server);
    await logIn(page, server, email);
    await page.setInputFiles('#picker', [text('note.txt', 'words')]);
    await menu(page, 'note.txt', 'Share…');
    await page.getByLabel(/Public/).check();
    await page.keyboard.press('Escape');
    await cell(page, 'note.txt').locator('.badge.public').waitFor();
    await page.selectOption('#filter', 'public');
    await page.getByText('1 item', { exact: true }).waitFor();
    await menu(page, 'note.txt', 'Share…');
    await page.getByLabel(/Public/).uncheck();
    await gone(cell(page, 'note.txt'));
    await page.keyboard.press('Escape');
    await page.getByText('Nothing in here matches.').waitFor();
    await page.context().close();
  },

  async a_folder_that_is_gone_takes_nothing({ another, server }) {
    const { page, id, token } = await inFolder({ another, server });
    await ask(server, token, DELETE, { input: { fileId: id } });
    await page.click('#new-folder');
    await page.fill('dialog input', 'Within');
    await page.keyboard.press('Enter');
    await page.locator('dialog .error', { hasText: 'The folder that it was for is no longer there.' }).waitFor();
    await page.keyboard.press('Escape');
    await page.reload();
    await page.getByText('There is no such folder.').waitFor();
    for (const tool of ['#upload', '#new-folder']) assert.ok(await page.locator(tool).isDisabled(), tool);
    await page.getByText('Go to My files').click();
    await page.getByText('Nothing here yet.').waitFor();
    for (const tool of ['#upload', '#new-folder']) assert.ok(await page.locator(tool).isEnabled(), tool);
    await page.context().close();
  },
};
