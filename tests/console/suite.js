// Walks through the console on each back end, and counts. `run` beside it prepares what this needs.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

import { chromium } from 'playwright-core';

import { startMongodb, startProgram, startRedis } from '../clients/servers.js';
import { steps as explorer } from './explorer.js';
import { steps as walk } from './walk.js';

const { values: options } = parseArgs({ options: { backend: { type: 'string' }, screenshots: { type: 'string' } } });
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** The most that a step may wait for anything, in milliseconds. */
const PATIENCE = 15_000;
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

/** A page that notes what it says in the browser's console, and what it asks of anybody but the server. */
async function newPage(browser, server, notes) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(PATIENCE);
  const own = new URL(server.url).host;
  context.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    if (['http:', 'https:'].includes(protocol) && host !== own) notes.push(`asked another host: ${request.url()}`);
  });
  const page = await context.newPage();
  page.on('websocket', (socket) => new URL(socket.url()).host !== own && notes.push(`asked another host: ${socket.url()}`));
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && notes.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => notes.push(`error: ${error.stack}`));
  return page;
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

async function screens(page, backend, name) {
  for (const [width, height] of [[390, 844], [768, 1024], [1440, 900]]) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await accessible(page);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `at ${width} pixels it is ${wide} too wide`);
      if (options.screenshots && backend === 'embedded') {
        mkdirSync(options.screenshots, { recursive: true });
        await page.screenshot({ path: `${options.screenshots}/${name}-${width}-${colorScheme}.png` });
      }
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
for (const backend of ['embedded', 'servers'].filter((name) => name === (options.backend ?? name))) {
  console.log(`\n=== ${backend} back end`);
  const behind = await stores(backend);
  const server = await startProgram({ settings: { ...behind.settings, 'limits.upload_bytes': 1_000_000 } });
  const notes = [];
  const world = {
    server,
    notes,
    page: await newPage(browser, server, notes),
    another: () => newPage(browser, server, notes),
    accessible,
    screens: (page, name) => screens(page, backend, name),
  };
  for (const [name, step] of Object.entries({ ...walk, ...explorer })) {
    try {
      await step(world);
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
  await server.end();
  await behind.end();
}
await browser.close();

console.log(`\nconsole: ${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.passed > 0 && total.failed === 0 ? 0 : 1;
