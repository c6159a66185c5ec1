// Measures how smoothly a large folder scrolls: node measure.js FILES. Prints the figures; fails where they
// are bad. How long frames take is told by a quiet machine alone.

import assert from 'node:assert/strict';

import { startProgram } from '../clients/servers.js';
import { newPage, startBrowser } from './browser.js';
import { ask, logIn, newAccount } from './drive.js';
import { picture } from './pictures.js';

/** How far it is scrolled with each frame, in pixels: as fast as a hand can, and the eye still follows. */
const STEP = 120;
/** The most work that a frame may be for what we wrote, in milliseconds of processor time, of the 16.7 that a screen leaves. */
const MOST_WORK = 12;
/** What is ours: what the browser then paints is not. */
const OURS = ['ScriptDuration', 'RecalcStyleDuration', 'LayoutDuration'];
const count = Number(process.argv[2]);
assert.ok(count > 0, 'how many files?');

const server = await startProgram();
const { email, token } = await newAccount(server);

/** Uploads ten pictures in one request. */
async function upload(first) {
  const files = Array.from({ length: Math.min(10, count - first) }, (_, index) => picture(`photo ${first + index + 1}.png`, 160, 120, first + index));
  const query = 'mutation($input: UploadManyInput!) { uploadMany(input: $input) { userErrors { message } results { userErrors { message } } } }';
  const body = new FormData();
  body.append('operations', JSON.stringify({ query, variables: { input: { files: files.map(() => ({ file: null })) } } }));
  body.append('map', JSON.stringify(Object.fromEntries(files.map((_, index) => [index, [`variables.input.files.${index}.file`]]))));
  files.forEach(({ name, mimeType, buffer }, index) => body.append(String(index), new Blob([buffer], { type: mimeType }), name));
  const answer = await fetch(`${server.url}/graphql`, { method: 'POST', headers: { Authorization: `Bearer ${token}` }, body });
  const { data, errors } = await answer.json();
  assert.ok(data?.uploadMany.userErrors.length === 0, JSON.stringify(errors ?? data));
}
for (let first = 0; first < count; first += 10) await upload(first);
const pending = async () => (await ask(server, token, '{ files(filter: { thumbnailStatus: PENDING }) { totalCount } }')).files.totalCount;
while ((await pending()) > 0) await new Promise((later) => setTimeout(later, 500));

const notes = [];
const { browser, end } = await startBrowser();
const page = await newPage(browser, server, notes);
page.setDefaultTimeout(0);
await logIn(page, server, email);
await page.waitForSelector('.thumbnail.loaded');
const tools = await page.context().newCDPSession(page);
// Of the thread itself: what else the machine does is left out.
await tools.send('Performance.enable', { timeDomain: 'threadTicks' });
async function worked() {
  const { metrics } = await tools.send('Performance.getMetrics');
  return metrics.filter(({ name }) => OURS.includes(name)).reduce((sum, { value }) => sum + value, 0);
}
const before = await worked();
const { frames, cells, seconds } = await page.evaluate(([step, total]) => new Promise((done) => {
  const frames = [];
  const begun = performance.now();
  let [last, cells] = [begun, 0];
  const frame = (now) => {
    frames.push(now - last);
    last = now;
    scrollBy(0, step);
    cells = Math.max(cells, document.querySelectorAll('.cell').length);
    if (document.querySelector(`.cell[aria-posinset="${total}"]`)) done({ frames, cells, seconds: (now - begun) / 1000 });
    else requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}), [STEP, count]);
const work = (1000 * ((await worked()) - before)) / frames.length;
const reached = await end();
await server.end();

frames.sort((one, other) => one - other);
const at = (part) => frames[Math.min(frames.length - 1, Math.floor(part * frames.length))];
const figure = (name, value) => console.log(`${name.padEnd(38)} ${value}`);
figure('files', count.toLocaleString('en-GB'));
figure('scrolled from the first to the last in', `${seconds.toFixed(1)} s, ${frames.length.toLocaleString('en-GB')} frames`);
figure('a frame, median', `${at(0.5).toFixed(1)} ms`);
figure('a frame, 95th of 100', `${at(0.95).toFixed(1)} ms`);
figure('a frame, 99th of 100', `${at(0.99).toFixed(1)} ms`);
figure('the longest frame', `${at(1).toFixed(1)} ms`);
figure('scripts, styles and layout of a frame', `${work.toFixed(1)} ms of processor time on average`);
figure('cells in the document at most', cells);
assert.deepEqual([...notes, ...reached], []);
assert.ok(work <= MOST_WORK, `more than ${MOST_WORK} ms of work with each frame`);
