// The walk, step by step, each named as what has to hold. They build on one another.

import assert from 'node:assert/strict';

import { cell, endSession, gone, logIn, menu, onlyLost, PASSWORD, thumbnails } from './drive.js';
import { broken, picture, text } from './pictures.js';

export const EMAIL = 'ada@example.org';
const MARKUP = '<img src=x onerror=alert(1)>.txt';

/** Each step gets the server, the page, and what the browser has complained of. */
export const steps = {
  async the_page_allows_nothing_but_its_own({ server }) {
    const answer = await fetch(server.url);
    const policy = answer.headers.get('content-security-policy');
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.doesNotMatch(policy, /unsafe|https?:/);
    const again = await fetch(server.url, { headers: { 'If-None-Match': answer.headers.get('etag') } });
    assert.equal(again.status, 304);
    assert.equal((await fetch(`${server.url}/console/main.js`)).headers.get('content-type'), 'text/javascript; charset=utf-8');
    assert.equal((await fetch(`${server.url}/console/nothing.js`)).status, 404);
  },

  async an_account_is_opened_and_mistakes_are_said({ page, server, screens }) {
    await page.goto(server.url);
    await page.click('#choose-register');
    await page.fill('#email', EMAIL);
    await page.fill('#password', 'short');
    await page.click('#sign-in-button');
    await page.waitForSelector('#sign-in-error:not(:empty)');
    await screens(page, 'sign-in');
    await page.fill('#password', PASSWORD);
    await page.click('#sign-in-button');
    await page.getByText('Nothing here yet.').waitFor();
    await screens(page, 'empty');
  },

  async uploads_get_thumbnails_without_a_reload({ page }) {
    const pictures = [1, 2, 3, 4, 5].map((seed) => picture(`photo ${seed}.png`, 640, 480, seed));
    await page.setInputFiles('#picker', [...pictures, text(MARKUP, 'hello'), broken('broken.png')]);
    await thumbnails(page, 5);
    await page.locator('.badge', { hasText: 'No thumbnail' }).waitFor();
    await page.getByText('Uploaded 7 files').waitFor();
    assert.equal(await page.locator('.hash').count(), 5);
  },

  async a_name_with_markup_is_text({ page }) {
    assert.equal(await cell(page, MARKUP).locator('.name').textContent(), MARKUP);
    assert.equal(await page.locator('img[onerror]').count(), 0);
  },

  async a_file_too_large_is_refused_before_it_is_sent({ page }) {
    const sent = [];
    const listen = (request) => request.postData()?.includes('large.bin') && sent.push(request.url());
    page.on('request', listen);
    await page.setInputFiles('#picker', [{ name: 'large.bin', mimeType: 'x/y', buffer: Buffer.alloc(1_000_001) }]);
    await page.getByText('It has 1,000,001 bytes; this server takes files of at most 1,000,000 bytes.').waitFor();
    page.off('request', listen);
    assert.deepEqual(sent, []);
    await page.getByLabel('Dismiss large.bin').click();
  },

  async what_is_pasted_is_uploaded({ page }) {
    await page.evaluate(() => {
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File(['pasted'], 'from the clipboard.txt', { type: 'text/plain' }));
      document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
    });
    await cell(page, 'from the clipboard.txt').waitFor();
  },

  async what_is_dropped_is_uploaded({ page }) {
    await page.evaluate(() => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(['dropped'], 'dropped.txt', { type: 'text/plain' }));
      for (const type of ['dragover', 'drop']) document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true }));
    });
    await cell(page, 'dropped.txt').waitFor();
    assert.ok(await page.locator('#drop').isHidden());
  },

  async folders_are_made_entered_and_left({ page }) {
    await page.click('#new-folder');
    await page.fill('dialog input', 'תמונות');
    await page.keyboard.press('Enter');
    await cell(page, 'תמונות').locator('.open').click();
    await page.getByText('This folder is empty.').waitFor();
    await page.goBack();
    await cell(page, 'photo 1').waitFor();
  },

  async files_are_renamed_with_the_keyboard({ page }) {
    await cell(page, 'photo 5').locator('.open').focus();
    await page.keyboard.press('F2');
    await page.keyboard.type('renamed');
    await page.keyboard.press('Enter');
    await cell(page, 'renamed.png').waitFor();
  },

  async files_are_moved_by_dragging_and_in_a_dialog({ page }) {
    await cell(page, 'photo 4').dragTo(cell(page, 'תמונות'));
    await gone(cell(page, 'photo 4'));
    await menu(page, 'photo 3', 'Move…');
    await page.locator('.choose').getByText('תמונות').click();
    await page.getByText('There is no folder in here.').waitFor();
    await page.click('text=Move here');
    await gone(cell(page, 'photo 3'));
  },

  async a_public_link_works_for_everybody_and_a_private_one_is_signed({ page, accessible }) {
    await menu(page, 'renamed', 'Share…');
    const link = page.getByLabel('Link', { exact: true });
    await page.waitForFunction(() => document.querySelector('dialog input[readonly]').value.includes('signature='));
    await page.getByLabel(/Public/).check();
    await page.waitForFunction(() => /files\/[^=]*(\?disposition=inline)?$/.test(document.querySelector('dialog input[readonly]').value));
    assert.equal((await fetch(await link.inputValue())).status, 200);
    await page.click('text=Copy link');
    await page.getByText('Copied.').waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await link.inputValue());
    await accessible(page);
    await page.keyboard.press('Escape');
    await cell(page, 'renamed').locator('.badge.public').waitFor();
  },

  async a_preview_shows_details_and_downloads({ page, screens }) {
    await cell(page, 'renamed').locator('.open').click();
    await page.getByText('640 × 480 pixels').waitFor();
    await screens(page, 'preview');
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    assert.equal((await download).suggestedFilename(), 'renamed.png');
    await page.keyboard.press('Escape');
    await gone(page.locator('dialog'));
  },

  async search_filters_and_order_find_files({ page, screens }) {
    await page.fill('#search', 'photo 3');
    await page.getByText('1 file found for').waitFor();
    await page.getByText('in תמונות').waitFor();
    await page.fill('#search', '');
    await page.selectOption('#filter', 'failed');
    await page.getByText('1 item').waitFor();
    await page.selectOption('#filter', 'all');
    await page.selectOption('#order', 'name');
    await page.waitForFunction(() => document.querySelector('.cell .name')?.textContent.startsWith('<img'));
    await page.selectOption('#order', 'newest');
    await page.click('#view-list');
    await page.waitForSelector('.files[data-view="list"]');
    await screens(page, 'list');
    await page.click('#view-grid');
    await screens(page, 'gallery');
  },

  async failed_thumbnails_say_why_and_are_retried({ page }) {
    await menu(page, 'broken', 'Make thumbnails again');
    await page.getByText('are being made again').waitFor();
    await cell(page, 'broken').locator('.badge.bad').waitFor();
    await cell(page, 'broken').locator('.open').click();
    await page.getByText('There are none:').waitFor();
    await page.keyboard.press('Escape');
  },

  async the_panel_shows_operations_and_copies_them({ page, accessible, server }) {
    await page.click('#panel-toggle');
    await page.locator('.panel summary', { hasText: 'Upload' }).first().click();
    await page.getByText('Copy as curl').click();
    const command = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(command, new RegExp(`curl '${server.url}/graphql'`));
    assert.match(command, /--form-string operations=.*\n *--form-string map=.*\n *-F '0=@/);
    assert.match(command, /^TOKEN=/);
    // Whoever opens an account has no token yet, and needs none.
    const entry = page.locator('.panel li', { has: page.locator('.operation', { hasText: /^Register$/ }) }).last();
    await entry.locator('summary').click();
    for (const name of ['curl', 'Apollo', 'urql']) {
      await entry.getByText(`Copy as ${name}`).click();
      await entry.getByText('Copied', { exact: true }).waitFor();
      const code = await page.evaluate(() => navigator.clipboard.readText());
      assert.doesNotMatch(code, /TOKEN|Bearer/);
      if (name !== 'curl') assert.match(code, /^const variables = \{\n  "input": \{\n    "email": .*\n    "password": .*\n  \}\n\};$/m);
      await entry.getByText(`Copy as ${name}`).waitFor();
    }
    assert.ok(await entry.getByText('holds the token of your session').isHidden());
    await accessible(page);
    await page.click('#panel-toggle');
  },

  async another_browser_sees_new_images({ page, another, server }) {
    const other = await another();
    await logIn(other, server, EMAIL);
    await cell(other, 'renamed').waitFor();
    await page.setInputFiles('#picker', [picture('for both.png', 320, 240, 7)]);
    await cell(other, 'for both').locator('.thumbnail.loaded').waitFor();
    await other.context().close();
  },

  async a_folder_is_deleted_with_what_it_holds({ page, accessible }) {
    await cell(page, 'תמונות').locator('.open').focus();
    await page.keyboard.press('Delete');
    await page.getByText('and the 2 files and folders in it').waitFor();
    await accessible(page);
    await page.locator('dialog button[type=submit]').click();
    await gone(cell(page, 'תמונות'));
  },

  async a_server_that_restarts_is_found_again({ page, server, notes }) {
    await server.stop();
    await page.getByText('Connection lost.').waitFor();
    await page.setInputFiles('#picker', [text('while away.txt', 'away')]);
    await page.getByText('Uploads wait for the connection').waitFor();
    await server.start();
    await page.locator('#live').waitFor({ state: 'hidden' });
    await cell(page, 'while away').waitFor();
    onlyLost(notes);
  },

  async an_expired_session_holds_uploads_until_somebody_logs_in({ page, server, notes }) {
    await endSession(page, server);
    await page.locator('#sign-in-error', { hasText: 'Your session has ended. Log in again' }).waitFor();
    await page.setInputFiles('#picker', [text('held.txt', 'held')]);
    await page.getByText('Uploads wait for you to log in').waitFor();
    await page.fill('#password', PASSWORD);
    await page.click('#sign-in-button');
    await cell(page, 'held.txt').waitFor();
    onlyLost(notes);
  },

  async logging_out_leaves_nothing_behind({ page }) {
    await page.click('#account');
    await page.getByRole('menuitem', { name: 'Log out' }).click();
    await page.waitForSelector('#sign-in');
    assert.equal(await page.locator('.cell').count(), 0);
    assert.equal(await page.evaluate(() => sessionStorage.getItem('strongroom.session')), null);
  },
};
