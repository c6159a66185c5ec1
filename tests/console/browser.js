// The browser, and what it may say and whom it may reach.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

/** The most that a step may wait for anything, in milliseconds. */
const PATIENCE = 15_000;

/** Starts Chromium. `end` ends it, and answers every address but this machine's that it tried to reach, by itself or for a page. */
export async function startBrowser() {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-browser-'));
  const log = join(folder, 'net.json');
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    // No name but an address of this machine leads anywhere, also for what a browser does unasked.
    args: ['--no-sandbox', '--disable-background-networking', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1', `--log-net-log=${log}`],
  });
  return {
    browser,
    async end() {
      await browser.close();
      const found = reached(JSON.parse(readFileSync(log, 'utf8')));
      rmSync(folder, { recursive: true });
      return found;
    },
  };
}

/**
 * The addresses elsewhere of a log of Chromium's network. A UDP socket that is connected and sends nothing is no contact:
 * Chromium does so, with an address of Google's, to learn from the kernel whether there is a route for IPv6.
 */
function reached({ constants: { logEventTypes: types }, events }) {
  const connected = new Map();
  const found = new Set();
  const isElsewhere = (address) => !/^(127\.|\[::1\]|\[::ffff:127\.)/.test(address);
  for (const { type, source, params } of events) {
    if (type === types.TCP_CONNECT_ATTEMPT && params?.address && isElsewhere(params.address)) found.add(`TCP ${params.address}`);
    if (type === types.UDP_CONNECT && params?.address) connected.set(source.id, params.address);
    if (type === types.UDP_BYTES_SENT) {
      const address = params.address ?? connected.get(source.id);
      if (isElsewhere(address)) found.add(`UDP ${address}`);
    }
  }
  return [...found];
}

/** A page that notes what it says in the browser's console, and what it asks of anybody but the server. */
export async function newPage(browser, server, notes, settings = {}) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'], ...settings,
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
