// Makes the pictures of the README: a gallery of real photos, and the API beside it, each light and dark.
// `run --gallery` prepares what this needs: node gallery.js PHOTOS FOLDER.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startProgram } from '../clients/servers.js';
import { newPage, startBrowser } from './browser.js';
import { ask, cell, logIn, menu, PASSWORD, thumbnails } from './drive.js';
import { text } from './pictures.js';

/** How good a picture is: as small as it gets while letters stay crisp. */
const QUALITY = 82;
const EMAIL = 'ada@example.org';
/** The photos, the last one first, and what they are called here. */
const names = {
  Wine: 'Living room',
  Picture_1A: 'Brushes',
  umang: 'Poster, first try',
  friends: 'Neighbours',
  Picture_0B: 'Fig in a bowl',
  life: 'Forest brook',
  aitzgorri: 'Aizkorri',
  seeding: 'Dandelions',
  sunset: 'Last light',
  picosdeeuropa: 'Mountain path',
};
/** What else there is. Of what they are, only the beginning tells. */
const others = {
  'Packing list.txt': 'A tent, two mugs, and the good shoes.\n',
  'Diary.md': `# The first day\n${'It rained, and nobody minded.\n'.repeat(90)}`,
  'Route.gpx': `<?xml version="1.0"?>\n<gpx/>${' '.repeat(18_000)}`,
  'Hut booking.pdf': `%PDF-1.7\n${' '.repeat(84_000)}`,
  'Cuckoo.mp3': `ID3\x04\0${'\0'.repeat(640_000)}`,
};
const [photos, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });

const server = await startProgram();
const notes = [];
const { browser, end } = await startBrowser();
const page = await newPage(browser, server, notes);

/** Keeps what the page looks like, in both themes. */
async function keep(name) {
  const tools = await page.context().newCDPSession(page);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    const { data } = await tools.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY });
    writeFileSync(join(folder, `${name}-${colorScheme}.webp`), Buffer.from(data, 'base64'));
  }
  await tools.detach();
}

const query = 'mutation($input: RegisterInput!) { register(input: $input) { token userErrors { message } } }';
await ask(server, null, query, { input: { email: EMAIL, password: PASSWORD } });
await logIn(page, server, EMAIL);
for (const [name, words] of Object.entries(others)) {
  await page.setInputFiles('#picker', [text(name, words)]);
  await cell(page, name).waitFor();
}
// One after the other, so that they stand in this order.
for (const [photo, name] of Object.entries(names)) {
  const buffer = readFileSync(join(photos, `${photo}.jpg`));
  await page.setInputFiles('#picker', [{ name: `${name}.jpg`, mimeType: 'image/jpeg', buffer }]);
  await cell(page, name).locator('.thumbnail.loaded').waitFor();
}
for (const name of ['Scans', 'Garden', 'Basque Country']) {
  await page.click('#new-folder');
  await page.fill('dialog input', name);
  await page.keyboard.press('Enter');
  await cell(page, name).waitFor();
}
await menu(page, 'Last light', 'Share…');
await page.getByLabel(/Public/).check();
await page.waitForFunction(() => !document.querySelector('dialog input[readonly]').value.includes('signature='));
await page.keyboard.press('Escape');
await page.locator('#tray').waitFor({ state: 'hidden' });

await page.reload();
await thumbnails(page, Object.keys(names).length);
await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState === 'finished'));
await keep('gallery');

await page.click('#panel-toggle');
await cell(page, 'Dandelions').locator('.open').click();
await page.getByText('pixels').waitFor();
await page.keyboard.press('Escape');
await page.locator('.panel summary', { hasText: 'Details' }).first().click();
await page.mouse.move(0, 0);
await keep('api');

const reached = await end();
await server.end();
if (notes.length + reached.length > 0) throw new Error([...notes, ...reached].join('\n'));
