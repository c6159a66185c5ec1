// Walks through the console on each back end, and counts. `run` beside it prepares what this needs.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

import { startMongodb, startProgram, startRedis } from '../clients/servers.js';
import { steps as broken } from './broken.js';
import { newPage, startBrowser } from './browser.js';
import { steps as dragged } from './dragged.js';
import { steps as elsewhere } from './elsewhere.js';
import { steps as explorer } from './explorer.js';
import { steps as keyboard } from './keyboard.js';
import { Line } from './line.js';
import { steps as pasted } from './pasted.js';
import { steps as sizes } from './sizes.js';
import { steps as walk } from './walk.js';

const { values: options } = parseArgs({
  options: { backend: { type: 'string' }, only: { type: 'string' }, screenshots: { type: 'string' } },
});
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** The longest that a step may take, in milliseconds. */
const LONGEST = 60_000;
/** The parts of the walk. Within the first, the steps build on one another. */
const parts = { walk, explorer, pasted, dragged, elsewhere, broken, keyboard, sizes };
const steps = options.only ? parts[options.only] : Object.assign({}, ...Object.values(parts));
const total = { passed: 0, failed: 0 };

/** What the servers back end needs, and the settings that name it. */
async function stores(backend) {
  if (backend === 'embedded') return { settings: {}, end: async () => {} };
  const given = [process.env.TEST_MONGODB_URL, process.env.TEST_REDIS_URL];
  const started = await Promise.all([startMongodb, startRedis].map((start, index) => !given[index] && start()));
  const [mongodb, redis] = started.map((server, index) => given[index] || server.url);
  const name = `console${randomBytes(8).toString('hex')}`;
  return {
    settings: {
      'store.backend': 'servers',
      'store.mongodb_url': mongodb,
      'store.mongodb_database': name,
      'store.redis_url': redis,
      'store.redis_prefix': name,
    },
    end: () => Promise.all(started.map((server) => server && server.end())),
  };
}

/** Fails on what axe finds wrong for people with other eyes, ears and hands. */
async function accessible(page) {
  // The page's policy lets no script in, so it is evaluated from outside.
  const violations = await page.evaluate(async (source) => {
    (0, eval)(source);
    const { violations } = await globalThis.axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
  }, axe);
  assert.deepEqual(violations, []);
}

/** Keeps what the page looks like, if that is asked for. */
async function shot(page, backend, name) {
  if (!options.screenshots || backend !== 'embedded') return;
  mkdirSync(options.screenshots, { recursive: true });
  await page.screenshot({ path: `${options.screenshots}/${name}.png` });
}

async function screens(page, backend, name) {
  for (const [width, height] of [[390, 844], [768, 1024], [1440, 900]]) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await accessible(page);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `at ${width} pixels it is ${wide} too wide`);
      await shot(page, backend, `${name}-${width}-${colorScheme}`);
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
}

const { browser, end } = await startBrowser();
for (const backend of ['embedded', 'servers'].filter((name) => name === (options.backend ?? name))) {
  console.log(`\n=== ${backend} back end`);
  const behind = await stores(backend);
  // The browser comes over a line of its own, which is the only address that the server has.
  const line = await Line.open();
  const server = await startProgram({ settings: { ...behind.settings, 'limits.upload_bytes': 1_000_000, 'server.public_url': line.url } });
  line.port = new URL(server.url).port;
  server.url = line.url;
  const notes = [];
  const world = {
    server,
    line,
    notes,
    page: await newPage(browser, server, notes),
    another: (settings) => newPage(browser, server, notes, settings),
    accessible,
    shot: (page, name) => shot(page, backend, name),
    screens: (page, name) => screens(page, backend, name),
  };
  for (const [name, step] of Object.entries(steps)) {
    try {
      await Promise.race([step(world), once(AbortSignal.timeout(LONGEST), 'abort').then(() => assert.fail(`nothing after ${LONGEST} ms`))]);
      // A step that breaks the connection takes away what the browser said of it.
      assert.deepEqual(notes.splice(0), []);
      total.passed++;
      console.log(`ok    ${name}`);
    } catch (error) {
      total.failed++;
      console.log(`FAIL  ${name}\n${error.stack}`);
      await world.page.keyboard.press('Escape').catch(() => {});
    }
  }
  line.close();
  await server.end();
  await behind.end();
}
const reached = await end();
console.log(reached.length === 0 ? '\nok    the_browser_reached_no_other_host' : `\nFAIL  the_browser_reached_no_other_host\n${reached.join('\n')}`);
total[reached.length === 0 ? 'passed' : 'failed']++;

console.log(`\nconsole: ${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.passed > 0 && total.failed === 0 ? 0 : 1;
