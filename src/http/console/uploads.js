// Uploads: a queue of files, of which a few are on their way at a time. XMLHttpRequest, because it tells how far it is.

import { ApiError, credentials, dataOf, endpoint, headers, note, payloadOf, settle } from './client.js';
import { bytes } from './format.js';
import { look, session } from './session.js';
import { UPLOAD } from './operations.js';

/** How many are sent at the same time. A browser opens six connections to a server. */
const AT_ONCE = 3;
/** Over how long the speed is taken, in milliseconds. */
const SPAN = 1_000;

let last = 0;

/** Tells `change` when a state has changed, `progress` when bytes have gone, and `stored` with the file as the server has it. */
class Uploads extends EventTarget {
  /** Each with its `state`: waiting, sending, stored, failed, cancelled; held waits for somebody to log in. */
  items = [];

  constructor() {
    super();
    session.addEventListener('changed', ({ detail }) => {
      if (!session.user || detail?.isAnother) return this.clear();
      for (const item of this.items) if (item.state === 'held') item.state = 'waiting';
      this.#next();
    });
  }

  /** Puts a file at the end of the queue. */
  add(file, parentId, name = file.name) {
    const item = { id: ++last, file, parentId, name, size: file.size, sent: 0, speed: 0, state: 'waiting', error: null };
    this.items.push(item);
    const most = session.limits?.uploadBytes;
    if (most !== undefined && file.size > most) {
      const message = `It has ${bytes(file.size)}; this server takes files of at most ${bytes(most)}.`;
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
    item.request?.abort();
    this.#next();
  }

  /** Sends one again that has failed. */
  retry(item) {
    if (item.state !== 'failed') return;
    Object.assign(item, { state: 'waiting', error: null, sent: 0, speed: 0 });
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
    const sending = this.items.filter(({ state }) => state === 'sending').length;
    for (const item of this.items.filter(({ state }) => state === 'waiting').slice(0, Math.max(0, AT_ONCE - sending))) this.#send(item);
    this.#tell('change');
  }

  #send(item) {
    const { token } = credentials;
    const request = new XMLHttpRequest();
    const variables = { input: { file: null, parentId: item.parentId, name: item.name } };
    const entry = note({ query: UPLOAD, variables, files: { 'variables.input.file': item.file } });
    const body = new FormData();
    body.append('operations', JSON.stringify({ query: UPLOAD, variables }));
    body.append('map', JSON.stringify({ 0: ['variables.input.file'] }));
    body.append('0', item.file, item.name);
    Object.assign(item, { request, state: 'sending', sent: 0, since: performance.now(), before: 0 });

    request.open('POST', endpoint);
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.responseType = 'json';
    request.upload.onprogress = ({ loaded, total }) => this.#progress(item, loaded, total);
    request.onload = () => {
      const { response, status } = request;
      settle(entry, { answer: response, status, failed: !response?.data?.upload?.file });
      try {
        const { file } = payloadOf(dataOf(response, token));
        Object.assign(item, { state: 'stored', sent: item.size, request: null, file: null, stored: file });
        this.dispatchEvent(new CustomEvent('stored', { detail: file }));
        this.#next();
      } catch (error) {
        this.#fail(item, error);
      }
    };
    request.onabort = () => settle(entry, { answer: 'Cancelled.', status: 0, failed: true });
    request.onerror = async () => {
      settle(entry, { answer: 'The connection was lost.', status: 0, failed: true });
      // A server that wants none of it may answer and hang up before the browser has sent all, and the answer is lost.
      await look().catch(() => {});
      const over = token === credentials.token && session.user ? null : 'UNAUTHENTICATED';
      const message = 'The connection was lost before the file had arrived. Try again.';
      this.#fail(item, new ApiError({ code: over ?? 'CONNECTION_LOST', message }));
    };
    request.send(body);
    this.#tell('change');
  }

  #progress(item, loaded, total) {
    const now = performance.now();
    item.sent = Math.min(item.size, Math.round((loaded / total) * item.size));
    if (now - item.since >= SPAN) {
      const speed = ((item.sent - item.before) / (now - item.since)) * 1000;
      item.speed = item.speed ? (item.speed + speed) / 2 : speed;
      Object.assign(item, { since: now, before: item.sent });
    }
    this.#tell('progress');
  }

  #fail(item, error) {
    if (item.state === 'cancelled') return;
    const isHeld = error.code === 'UNAUTHENTICATED';
    Object.assign(item, { state: isHeld ? 'held' : 'failed', error, request: null });
    // Somebody has logged in already, while this one's answer was on its way.
    if (isHeld && session.user && credentials.token) item.state = 'waiting';
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
