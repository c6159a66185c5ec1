// The line between the browser and the server. It can be held up and cut, at the moment that a test chooses.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class Line {
  #browsers = new Map();
  #isCut = false;
  #hold = null;
  #watchers = new Set();

  /** A line that leads nowhere yet; `port` is to be the server's. */
  static async open() {
    const line = new Line();
    line.listener = createServer((browser) => line.#relay(browser)).listen(0, '127.0.0.1');
    await once(line.listener, 'listening');
    line.url = `http://127.0.0.1:${line.listener.address().port}`;
    return line;
  }

  /** Breaks every connection, and takes no new one. */
  cut() {
    this.#isCut = true;
    this.#hold = null;
    for (const browser of this.#browsers.keys()) browser.destroy();
  }

  /** Mends what was cut, and lets go what was held up. */
  mend() {
    this.#isCut = false;
    this.#hold = null;
    for (const [browser] of this.#browsers) browser.resume();
  }

  /** From now on each connection carries this many bytes to the server, and then no more. Waits until one is held up. */
  hold(bytes) {
    for (const state of this.#browsers.values()) state.sent = 0;
    return new Promise((held) => (this.#hold = { bytes, held }));
  }

  /** Waits until the server's words match this. With `cut`, the line is cut before the browser has them. */
  answer(pattern, { cut = false } = {}) {
    return new Promise((seen) => this.#watchers.add({ pattern, cut, seen }));
  }

  close() {
    this.cut();
    this.listener.close();
  }

  #relay(browser) {
    if (this.#isCut) return browser.destroy();
    const state = { sent: 0 };
    const server = connect(this.port, '127.0.0.1');
    const mayFlow = () => !this.#hold || state.sent <= this.#hold.bytes;
    this.#browsers.set(browser, state);
    browser.on('data', (bytes) => {
      state.sent += bytes.length;
      if (!server.write(bytes) || !mayFlow()) browser.pause();
      if (!mayFlow()) this.#hold.held();
    });
    server.on('drain', () => mayFlow() && browser.resume());
    server.on('data', (bytes) => {
      for (const watcher of this.#watchers) {
        if (!watcher.pattern.test(bytes.toString('latin1'))) continue;
        this.#watchers.delete(watcher);
        watcher.seen();
        if (watcher.cut) return this.cut();
      }
      browser.write(bytes);
    });
    browser.on('end', () => server.end());
    server.on('end', () => browser.end());
    for (const [end, other] of [[browser, server], [server, browser]]) {
      end.on('error', () => {});
      end.on('close', () => other.destroy());
    }
    browser.on('close', () => this.#browsers.delete(browser));
  }
}
