// Sends what was written: queries and mutations as requests, with files as multipart requests, and subscriptions over a
// WebSocket of their own. The journal hears of all of it.

import { credentials, dataOf, endpoint, headers, note, settle } from '../client.js';

/** The close codes of a session that is over, and of a token that is none. */
const OVER = [4401, 4403];

/**
 * Sends a query or a mutation. `onProgress` hears how much of the files has gone, from 0 to 1. Answers `{ promise, cancel }`;
 * the promise gives `status`, `took` and `size`, and the answer as `body` or, where it is no JSON, as `text`; or `isCancelled`
 * or `isLost`.
 */
export function send({ query, variables, files }, onProgress) {
  const entry = note({ query, variables, files });
  const request = new XMLHttpRequest();
  const { token } = credentials;
  const promise = new Promise((resolve) => {
    const end = (outcome, answer, failed) => {
      settle(entry, { answer, status: request.status, failed });
      resolve({ status: request.status, took: entry.took, ...outcome });
    };
    request.onload = () => {
      const text = request.responseText;
      const body = parsed(text);
      end({ body, text, size: new Blob([text]).size }, body ?? text, !body || Boolean(body.errors) || hasUserErrors(body));
      // A session that is over is told to the console; whatever else is wrong is in the answer.
      try {
        dataOf(body, token);
      } catch {}
    };
    request.onabort = () => end({ isCancelled: true }, 'Cancelled.', true);
    request.onerror = () => end({ isLost: true }, 'The connection was lost.', true);
  });
  request.open('POST', endpoint);
  for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
  const paths = Object.entries(files);
  const operation = JSON.stringify({ query, variables });
  if (paths.length > 0) {
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
    const form = new FormData();
    form.append('operations', operation);
    form.append('map', JSON.stringify(Object.fromEntries(paths.map(([path], index) => [index, [path]]))));
    paths.forEach(([, file], index) => form.append(String(index), file, file.name));
    request.send(form);
  } else {
    request.setRequestHeader('Content-Type', 'application/json');
    request.send(operation);
  }
  return { promise, cancel: () => request.abort() };
}

function parsed(text) {
  try {
    const body = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}

const hasUserErrors = ({ data }) => Object.values(data ?? {}).some((payload) => payload?.userErrors?.length > 0);

/**
 * Listens to a subscription. `onEvent` gets each answer, `onEnd` a sentence and whether it is an error. Answers how to stop it.
 */
export function listen({ query, variables }, { onEvent, onEnd }) {
  const entry = note({ query, variables, kind: 'subscription' });
  const { token } = credentials;
  const socket = new WebSocket(endpoint.replace(/^http/, 'ws'), 'graphql-transport-ws');
  const say = (message) => socket.send(JSON.stringify(message));
  let isOver = false;
  const end = (text, isError = false) => {
    if (isOver) return;
    isOver = true;
    socket.close(1000);
    onEnd(text, isError);
  };
  socket.onopen = () => say({ type: 'connection_init', payload: token ? { authorization: `Bearer ${token}` } : {} });
  socket.onmessage = ({ data }) => {
    if (isOver) return;
    const { type, payload } = JSON.parse(data);
    if (type === 'connection_ack') say({ id: 'explorer', type: 'subscribe', payload: { query, variables } });
    else if (type === 'ping') say({ type: 'pong' });
    else if (type === 'next') {
      settle(entry, { answer: payload, failed: Boolean(payload.errors) });
      onEvent(payload);
    } else if (type === 'error') {
      const answer = { errors: payload };
      settle(entry, { answer, failed: true });
      onEvent(answer);
      end('The server refused it.', true);
    } else if (type === 'complete') end('The server says that there is nothing more to come.');
  };
  socket.onclose = ({ code, reason }) => {
    if (OVER.includes(code) && token && token === credentials.token) credentials.ended();
    end(`The connection was closed${reason ? `: ${reason}` : ''} (${code}).`, true);
  };
  return () => end('Stopped.');
}
