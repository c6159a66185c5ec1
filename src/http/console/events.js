// What the server announces: one socket with `graphql-transport-ws`, opened again whenever it breaks.

import { credentials, endpoint, note, settle } from './client.js';
import { THUMBNAILS } from './operations.js';

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
/** How often a quiet server is asked whether it is there, and how long it may take to answer, in milliseconds. */
const PING = 20_000;
const PATIENCE = 10_000;
/** The close codes of a session that is over, and of a token that is none. */
const OVER = [4401, 4403];

/** Tells `file` (its thumbnails have settled), `live` (listening; what was missed is to be looked up) and `lost`. */
export const events = new EventTarget();

let socket = null;
let pause = FIRST_PAUSE;
let waiting;
let asking;

/** Starts to listen. */
export function listen() {
  stop();
  open();
}

/** Stops listening. */
export function stop() {
  clearTimeout(waiting);
  clearTimeout(asking);
  const old = socket;
  socket = null;
  old?.close(1000);
}

// The network is back: no need to wait.
addEventListener('online', () => {
  if (socket || !credentials.token) return;
  clearTimeout(waiting);
  open();
});

function open() {
  const own = new WebSocket(endpoint.replace(/^http/, 'ws'), 'graphql-transport-ws');
  const { token } = credentials;
  const say = (message) => own.send(JSON.stringify(message));
  let entry;
  socket = own;

  const ask = () => {
    clearTimeout(asking);
    asking = setTimeout(() => {
      say({ type: 'ping' });
      asking = setTimeout(() => own.close(4000, 'no answer'), PATIENCE);
    }, PING);
  };

  own.onopen = () => say({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
  own.onmessage = ({ data }) => {
    if (own !== socket) return;
    const message = JSON.parse(data);
    ask();
    if (message.type === 'connection_ack') {
      entry = note({ query: THUMBNAILS, variables: {}, kind: 'subscription' });
      say({ id: 'thumbnails', type: 'subscribe', payload: { query: THUMBNAILS } });
      pause = FIRST_PAUSE;
      events.dispatchEvent(new Event('live'));
    } else if (message.type === 'ping') say({ type: 'pong' });
    else if (message.type === 'next') {
      settle(entry, { answer: message.payload, failed: Boolean(message.payload.errors) });
      const file = message.payload.data?.thumbnailReady;
      if (file) events.dispatchEvent(new CustomEvent('file', { detail: file }));
    } else if (message.type === 'error' || message.type === 'complete') {
      if (message.payload) settle(entry, { answer: { errors: message.payload }, failed: true });
      own.close(1000);
    }
  };
  own.onclose = ({ code }) => {
    if (own !== socket) return;
    socket = null;
    clearTimeout(asking);
    if (OVER.includes(code) && token === credentials.token) return credentials.ended();
    events.dispatchEvent(new Event('lost'));
    // With jitter: after a restart not everybody comes at the same moment.
    waiting = setTimeout(open, pause * (0.5 + Math.random() / 2));
    pause = Math.min(LONGEST_PAUSE, pause * 2);
  };
}
