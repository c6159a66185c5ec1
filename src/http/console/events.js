// What the server announces: one socket with `graphql-transport-ws`, opened again whenever it breaks.

import { credentials, endpoint, note, settle } from './client.js';
import { THUMBNAILS } from './operations.js';

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
/** How often a quiet server is asked whether it is there, and how long it may take to answer, in milliseconds. */
const PING = 20_000;
const PATIENCE = 10_000;
/** After how long it is asked when something else has said that it is away. */
const DOUBT = 2_000;
/** The close codes of a session that is over, and of a token that is none. */
const OVER = [4401, 4403];

/** Tells `file` (its thumbnails have settled), `live` (listening; what was missed is to be looked up) and `lost`. */
export const events = new EventTarget();

let socket = null;
let pause = FIRST_PAUSE;
let waiting;
let asking;
let isDoubted = false;

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

/** Something else could not reach the server. Tells `live` as soon as it is there, also if the socket never broke. */
export function check() {
  isDoubted = true;
  if (socket?.readyState === WebSocket.OPEN) ask(DOUBT);
}

// The network is back: no need to wait.
addEventListener('online', () => {
  if (socket || !credentials.token) return;
  clearTimeout(waiting);
  open();
});

/** Asks the server whether it is there, after this time. Without an answer the socket is closed, and opened again. */
function ask(after) {
  const own = socket;
  clearTimeout(asking);
  asking = setTimeout(() => {
    own.send('{"type":"ping"}');
    asking = setTimeout(() => own.close(4000, 'no answer'), PATIENCE);
  }, after);
}

function live() {
  isDoubted = false;
  events.dispatchEvent(new Event('live'));
}

function open() {
  const own = new WebSocket(endpoint.replace(/^http/, 'ws'), 'graphql-transport-ws');
  const { token } = credentials;
  const say = (message) => own.send(JSON.stringify(message));
  let entry;
  socket = own;

  own.onopen = () => say({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
  own.onmessage = ({ data }) => {
    if (own !== socket) return;
    const message = JSON.parse(data);
    ask(isDoubted ? DOUBT : PING);
    if (message.type === 'connection_ack') {
      entry = note({ query: THUMBNAILS, variables: {}, kind: 'subscription' });
      say({ id: 'thumbnails', type: 'subscribe', payload: { query: THUMBNAILS } });
      pause = FIRST_PAUSE;
      live();
    } else if (message.type === 'pong' && isDoubted) live();
    else if (message.type === 'ping') say({ type: 'pong' });
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
