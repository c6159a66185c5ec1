// Uploads: a queue of files, of which a few are on their way at a time.

import { ApiError, credentials } from './client.js';
import { check, events } from './events.js';
import { bytes, plural } from './format.js';
import { session } from './session.js';
import { arrived, transfer } from './transfer.js';

/** How many are sent at the same time. A browser opens six connections to a server. */
const AT_ONCE = 3;
/** Over how long the speed is taken, in milliseconds. */
const SPAN = 1_000;
/** What is waited for: somebody to log in, and the server to be there again. */
const HOLDING = ['UNAUTHENTICATED', 'NETWORK'];

let last = 0;

/** Tells `change` when a state has changed, `progress` when bytes have gone, and `stored` with the file as the server has it. */
class Uploads extends EventTarget {
  /** Each with its `state`: waiting, sending, stored, failed, cancelled; held is as waiting, and `error` says for what. */
  items = [];

  constructor() {
    super();
    session.addEventListener('changed', ({ detail }) => {
      if (!session.user || detail?.isAnother) this.clear();
      else this.release();
    });
    events.addEventListener('live', () => this.release());
  }

  /** Puts a file at the end of the queue. */
  add(file, parentId, name = file.name) {
    const item = { id: ++last, file, parentId, name, size: file.size, sent: 0, speed: 0, state: 'waiting', error: null, wasCut: false };
    this.items.push(item);
    const most = session.limits?.uploadBytes;
    if (most !== undefined && file.size > most) {
      const isClose = bytes(file.size) === bytes(most);
      const [size, limit] = [file.size, most].map((count) => (isClose ? plural(count, 'byte') : bytes(count)));
      const message = `It has ${size}; this server takes files of at most ${limit}.`;
      this.#fail(item, new ApiError({ code: 'FILE_TOO_LARGE', message }));
    } else {
      this.#next();
    }
    return item;
  }

  /** Stops one. What has arrived of it is thrown away. */
  cancel(item) {
    if (['stored', 'failed'].includes(item.state)) return;
    item.state = 'cancelled';
    item.transfer?.abort();
    this.#next();
  }

  /** Sends one again that has failed. */
  retry(item) {
    if (item.state !== 'failed') return;
    Object.assign(item, { state: 'waiting', error: null });
    this.#next();
  }

  /** Goes on with those that were held. */
  release() {
    for (const item of this.items) if (item.state === 'held') Object.assign(item, { state: 'waiting', error: null });
    this.#next();
  }

  /** Takes one off the list. */
  dismiss(item) {
    this.cancel(item);
    this.items = this.items.filter((other) => other !== item);
    this.#tell('change');
  }

  /** Stops all, and forgets them. */
  clear() {
    const { items } = this;
    this.items = [];
    for (const item of items) this.cancel(item);
    this.#tell('change');
  }

  #next() {
    const count = (wanted) => this.items.filter(({ state }) => state === wanted).length;
    // What holds one holds all.
    const free = count('held') > 0 ? 0 : AT_ONCE - count('sending');
    for (const item of this.items.filter(({ state }) => state === 'waiting').slice(0, Math.max(0, free))) this.#send(item);
    this.#tell('change');
  }

  async #send(item) {
    // Nothing is sent only to be refused.
    if (!credentials.token) return this.#fail(item, new ApiError({ code: 'UNAUTHENTICATED', message: 'The session has ended.' }));
    Object.assign(item, { state: 'sending', sent: 0, speed: 0, since: performance.now(), before: 0 });
    try {
      let stored = item.wasCut ? await arrived(item) : null;
      if (item.state !== 'sending') return;
      if (!stored) {
        item.transfer = transfer(item, (part) => this.#progress(item, part));
        stored = await item.transfer.done;
      }
      Object.assign(item, { state: 'stored', sent: item.size, file: null });
      this.dispatchEvent(new CustomEvent('stored', { detail: stored }));
      this.#next();
    } catch (error) {
      this.#fail(item, error);
    } finally {
      item.transfer = null;
    }
  }

  #progress(item, part) {
    const now = performance.now();
    item.sent = Math.min(item.size, Math.round(part * item.size));
    if (now - item.since >= SPAN) {
      const speed = ((item.sent - item.before) / (now - item.since)) * 1000;
      item.speed = item.speed ? (item.speed + speed) / 2 : speed;
      Object.assign(item, { since: now, before: item.sent });
    }
    this.#tell('progress');
  }

  #fail(item, error) {
    if (item.state === 'cancelled') return;
    Object.assign(item, { state: HOLDING.includes(error.code) ? 'held' : 'failed', error, sent: 0 });
    if (['NETWORK', 'CUT_OFF'].includes(error.code)) item.wasCut = true;
    if (error.code === 'NETWORK') check();
    // Somebody has logged in already, while this one's answer was on its way.
    if (error.code === 'UNAUTHENTICATED' && session.user && credentials.token) item.state = 'waiting';
    this.#next();
  }

  #tell(event) {
    this.dispatchEvent(new Event(event));
  }
}

/** The queue. */
export const uploads = new Uploads();

// Closing the page would stop them.
addEventListener('beforeunload', (event) => {
  if (uploads.items.some(({ state }) => ['waiting', 'sending', 'held'].includes(state))) event.preventDefault();
});
