// Steps on small windows: phones, and what is left of a screen at 200 and 400 % zoom (WCAG 1.4.10).

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { cell, gone, logIn, menu, newAccount } from './drive.js';
import { picture, text } from './pictures.js';

/** Windows in CSS pixels: a phone, 1440 × 900 at 200 %, and 1280 × 1024 at 400 %. */
const windows = {
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true },
  'zoom-200': { viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 },
  'zoom-400': { viewport: { width: 320, height: 256 }, deviceScaleFactor: 4 },
};
const LONG = `${'a very long name, longer than any window is wide, '.repeat(4)}end.txt`;

/** Nothing scrolls sideways, and nothing that one could press is beyond the edges. */
async function fits(page, what) {
  const found = await page.evaluate(async () => {
    // What was changed last is drawn with the next frame.
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    const root = document.documentElement;
    const wide = [...document.querySelectorAll('body, main, dialog, .menu, .tray, .panel, .notices')]
      .filter((part) => part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0)
      .map((part) => `${part.id || part.className || part.tagName} scrolls sideways`);
    const beyond = [...document.querySelectorAll('button, a, input, select, summary')].filter((control) => {
      const { left, right, width } = control.getBoundingClientRect();
      return width > 1 && control.checkVisibility({ visibilityProperty: true }) && !control.closest('.skip') && (left < -1 || right > root.clientWidth + 1);
    });
    return [...wide, ...beyond.map((control) => `${control.textContent || control.id || control.className} is beyond the edge`)];
  });
  assert.deepEqual(found, [], what);
}

/** Everything that can be pressed in it can be brought to where it is seen. */
async function reachable(page, selector) {
  for (const control of await page.locator(`${selector} :is(button, a, input, select):visible:enabled`).all()) {
    await control.scrollIntoViewIfNeeded();
    await control.click({ trial: true, timeout: 2_000 });
  }
}

/** What stays while the rest scrolls leaves most of the window to the rest. */
async function roomy(page, what) {
  const part = await page.evaluate(() => {
    const stays = [...document.querySelectorAll('.bar, .tray')].filter((bar) => ['sticky', 'fixed'].includes(getComputedStyle(bar).position));
    return stays.reduce((sum, bar) => sum + bar.getBoundingClientRect().height, 0) / innerHeight;
  });
  assert.ok(part <= 0.4, `${what}: ${Math.round(part * 100)} % of the window do not scroll`);
}

export const steps = Object.fromEntries(Object.entries(windows).map(([name, settings]) => [
  `everything_is_there_in_a_window_as_of_${name.replace('-', '_')}`,
  async ({ another, server, line, accessible, shot }) => {
    const page = await another(settings);
    const { email } = await newAccount(server);
    const look = async (what) => {
      await fits(page, what);
      await accessible(page);
      await shot(page, `${what}-${name}`);
    };
    await page.goto(server.url);
    await page.click('#choose-register');
    await look('sign-in');
    await reachable(page, '#sign-in');
    await logIn(page, server, email);
    await look('empty');

    // Uploads under way: a bar, and the list only for whoever asks.
    const held = line.hold(100_000);
    const files = [1, 2, 3, 4].map((number) => ({ name: `${number}.bin`, mimeType: 'x/y', buffer: randomBytes(500_000) }));
    const large = { name: 'large.bin', mimeType: 'x/y', buffer: Buffer.alloc(1_000_001) };
    await page.setInputFiles('#picker', [...files, ...[1, 2, 3].map((seed) => picture(`photo ${seed}.png`, 640, 480, seed)), text(LONG, 'long'), large]);
    await held;
    await page.locator('.trouble', { hasText: 'this server takes files of at most 1,000,000 bytes' }).waitFor();
    await look('uploading');
    await roomy(page, 'uploading');
    await page.getByLabel('Show each upload').click();
    await look('uploads');
    await reachable(page, '.tray');
    await page.getByLabel('Dismiss large.bin').click();
    await page.getByLabel('Show less of the uploads').click();
    line.mend();
    await page.locator('#tray-title', { hasText: 'Uploaded 8 files' }).waitFor();
    await page.getByLabel('Close the list of uploads').click();
    // The photos first, then the long name; only cells near the window are there.
    await page.selectOption('#order', 'eman');
    const toFiles = () => page.locator('#files').evaluate((list) => list.scrollIntoView());
    await toFiles();
    await cell(page, 'photo 3').locator('.thumbnail.loaded').waitFor();
    await look('files');
    await roomy(page, 'files');
    await reachable(page, '.bar');
    await reachable(page, '.tools');
    await page.getByLabel('List', { exact: true }).click();
    await look('list');
    await page.getByLabel('Grid', { exact: true }).click();

    await toFiles();
    await cell(page, LONG).locator('.more').click();
    await look('menu');
    for (const entry of await page.locator('.menu button').all()) await entry.click({ trial: true });
    await page.keyboard.press('Escape');
    for (const entry of ['Share…', 'Rename…', 'Move…', 'Delete…']) {
      await menu(page, LONG, entry);
      await page.waitForFunction(() => document.querySelector('dialog')?.querySelector('input[readonly]')?.value !== '');
      await look(entry.replace('…', '').toLowerCase());
      await reachable(page, 'dialog');
      await page.keyboard.press('Escape');
      await gone(page.locator('dialog'));
    }
    await cell(page, 'photo 3').locator('.open').click();
    await page.getByText('640 × 480 pixels').waitFor();
    await page.locator('.stage > img').waitFor();
    const [stage, shown] = await Promise.all(['.stage', '.stage > img'].map((name) => page.locator(name).boundingBox()));
    assert.ok(Math.abs(stage.height - shown.height) <= 1, `the picture has bands: ${JSON.stringify([stage, shown])}`);
    await look('preview');
    await reachable(page, 'dialog');
    await page.keyboard.press('Escape');
    await page.click('#panel-toggle');
    await page.locator('.panel summary').first().click();
    await look('panel');
    await reachable(page, '.panel');
    await page.context().close();
  },
]));
