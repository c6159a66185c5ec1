// Steps without a mouse, and with what people set in their systems.

import assert from 'node:assert/strict';

import { cell, gone, logIn, newAccount, PASSWORD } from './drive.js';
import { picture } from './pictures.js';

/** Presses keys one after the other. */
const press = async (page, ...keys) => {
  for (const key of keys) await page.keyboard.press(key);
};

/** What has the focus, in words: its name for screen readers, or what it says. */
const focused = (page) => page.evaluate(() => {
  const { activeElement: at } = document;
  return at.getAttribute('aria-label') ?? (at.querySelector('.name') ?? at.labels?.[0] ?? at).textContent.trim();
});
const waitForFocus = (page, words) => page.waitForFunction((wanted) => {
  const { activeElement: at } = document;
  return (at.getAttribute('aria-label') ?? (at.querySelector('.name') ?? at.labels?.[0] ?? at).textContent.trim()) === wanted;
}, words);

/** Goes on with Tab until this has the focus; whatever has it on the way shows that. */
async function tabTo(page, words) {
  for (let turn = 0; turn < 40; turn++) {
    await page.keyboard.press('Tab');
    const shows = await page.evaluate(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      return document.activeElement === document.body || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2);
    });
    assert.ok(shows, `“${await focused(page)}” does not show that it has the focus`);
    if ((await focused(page)) === words) return;
  }
  assert.fail(`Tab does not reach “${words}”`);
}

export const steps = {
  async an_account_is_opened_without_a_mouse({ another, server }) {
    const page = await another();
    await page.goto(server.url);
    await page.waitForSelector('#sign-in:not([hidden])');
    await tabTo(page, 'Skip to the content');
    await press(page, 'Enter');
    await tabTo(page, 'Open an account');
    await press(page, 'Enter');
    await tabTo(page, 'Email');
    await page.keyboard.type(`${Date.now()}@example.org`);
    await tabTo(page, 'Password');
    await page.keyboard.type(PASSWORD);
    await press(page, 'Enter');
    await page.getByText('Nothing here yet.').waitFor();
    await tabTo(page, 'Upload');
    await press(page, 'Enter');
    await waitForFocus(page, 'Files…');
    await press(page, 'ArrowDown');
    assert.equal(await focused(page), 'A folder…');
    await press(page, 'Escape');
    await waitForFocus(page, 'Upload');
    await page.context().close();
  },

  async files_are_walked_opened_moved_and_deleted_without_a_mouse({ another, server }) {
    const page = await another();
    const { email } = await newAccount(server);
    await logIn(page, server, email);
    await page.setInputFiles('#picker', Array.from({ length: 9 }, (_, index) => picture(`${index + 1}.png`, 160, 120, index)));
    await cell(page, '9.png').waitFor();
    await page.locator('#tray-title', { hasText: 'Uploaded 9 files' }).waitFor();
    await page.getByLabel('Close the list of uploads').click();
    await page.selectOption('#order', 'name');
    // The files were there in another order before.
    await page.waitForFunction(() => [1, 2, 3, 4, 5, 6, 7, 8, 9].every((place) => (
      document.querySelector(`.cell[aria-posinset="${place}"] .name`)?.textContent.trim() === `${place}.png`)));

    await page.locator('#view-list').focus();
    await tabTo(page, '1.png');
    const columns = await page.evaluate(() => new Set([...document.querySelectorAll('.cell')].map((one) => one.getBoundingClientRect().left)).size);
    await press(page, 'ArrowRight', 'ArrowRight');
    await waitForFocus(page, '3.png');
    await press(page, 'ArrowDown');
    await waitForFocus(page, `${Math.min(9, 3 + columns)}.png`);
    await press(page, 'ArrowUp', 'Home');
    await waitForFocus(page, '1.png');
    await press(page, 'End');
    await waitForFocus(page, '9.png');
    // What has the focus can be seen.
    assert.ok(await page.evaluate(() => {
      const { top, bottom } = document.activeElement.getBoundingClientRect();
      return top >= 0 && bottom <= innerHeight;
    }));
    await press(page, 'Home', 'Enter');
    await page.getByText('160 × 120 pixels').waitFor();
    await press(page, 'ArrowRight');
    await page.locator('dialog h2', { hasText: '2.png' }).waitFor();
    await press(page, 'Escape');
    await gone(page.locator('dialog'));
    await waitForFocus(page, '1.png');

    await tabTo(page, 'Actions for 1.png');
    await press(page, 'Enter');
    await waitForFocus(page, 'Open');
    await press(page, 'd');
    await waitForFocus(page, 'Download');
    await press(page, 'd');
    await waitForFocus(page, 'Delete…');
    await press(page, 'Escape');
    await waitForFocus(page, 'Actions for 1.png');

    await page.locator('#view-grid').focus();
    await page.locator('#new-folder').focus();
    await press(page, 'Enter');
    await page.keyboard.type('Below');
    await press(page, 'Enter');
    await cell(page, 'Below').waitFor();
    await cell(page, '2.png').locator('.open').focus();
    await press(page, 'Shift+F10');
    await waitForFocus(page, 'Open');
    await press(page, 'm', 'Enter');
    await waitForFocus(page, 'Below');
    await press(page, 'Enter');
    await page.getByText('There is no folder in here.').waitFor();
    await tabTo(page, 'Move here');
    await press(page, 'Enter');
    await gone(cell(page, '2.png'));

    await page.click('#view-list');
    await cell(page, '3.png').locator('.open').focus();
    await press(page, 'ArrowDown');
    await waitForFocus(page, '4.png');
    await press(page, 'Delete');
    await page.getByText('There is no undo.').waitFor();
    await waitForFocus(page, 'Cancel');
    await press(page, 'Tab', 'Enter');
    await gone(cell(page, '4.png'));
    // The focus is where the next Delete is expected, and not at the top of the page.
    await page.waitForFunction(() => document.activeElement.closest('.cell'));
    await page.context().close();
  },

  async whoever_wants_no_motion_gets_none({ another, server }) {
    const page = await another({ reducedMotion: 'reduce' });
    const { email } = await newAccount(server);
    await logIn(page, server, email);
    await page.setInputFiles('#picker', [picture('still.png')]);
    await cell(page, 'still.png').locator('.thumbnail.loaded').waitFor();
    const moving = await page.evaluate(() => [...document.querySelectorAll('*')].filter((element) => {
      const { transitionDuration, animationName } = getComputedStyle(element);
      return animationName !== 'none' || transitionDuration.split(', ').some((time) => parseFloat(time) > 0);
    }).length);
    assert.equal(moving, 0);
    await page.context().close();
  },
};
