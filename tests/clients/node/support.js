// What the tests on Node share: the server they run against, people, pictures.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { crc32, deflateSync } from 'node:zlib';

import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

import { startProgram } from '../servers.js';

/** Where the server is, e.g. `http://127.0.0.1:4000`. */
export const url = process.env.STRONGROOM_URL;
assert(url, 'these tests are run by tests/clients/run, which starts a server for them');
/** The GraphQL endpoint. */
export const graphqlUrl = `${url}/graphql`;
/** The same for WebSockets. */
export const socketUrl = graphqlUrl.replace('http', 'ws');
/** `embedded` or `servers`. */
export const backend = process.env.STRONGROOM_BACKEND;

/** The headers that carry a token; none without one. */
export const bearer = (token) => (token ? { authorization: `Bearer ${token}` } : {});

/** Posts one operation. Answers the body: `{ data, errors }`. */
export async function post(query, variables = {}, token = undefined, endpoint = graphqlUrl) {
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...bearer(token) },
    body: JSON.stringify({ query, variables }),
  });
  return answer.json();
}

/** Registers somebody with an address that nobody has: `{ email, password, token, id }`. */
export async function newUser(endpoint = graphqlUrl) {
  const input = { email: `${randomUUID()}@example.org`, password: 'correct horse battery staple' };
  const { data, errors } = await post(
    'mutation ($input: RegisterInput!) { register(input: $input) { token user { id } userErrors { code message } } }',
    { input },
    undefined,
    endpoint,
  );
  assert.deepEqual([errors, data?.register.userErrors], [undefined, []]);
  return { ...input, token: data.register.token, id: data.register.user.id };
}

/** Uploads a file, and answers it as it was stored. `input` has more of UploadInput, e.g. `{ isPublic: true }`. */
export async function upload(token, name, blob, input = {}, endpoint = graphqlUrl) {
  const query = `mutation ($input: UploadInput!) {
    upload(input: $input) { file { id name kind size mediaType isPublic thumbnailStatus } userErrors { code message } }
  }`;
  const form = new FormData();
  form.append('operations', JSON.stringify({ query, variables: { input: { ...input, file: null } } }));
  form.append('map', '{ "0": ["variables.input.file"] }');
  form.append('0', blob, name);
  const answer = await fetch(endpoint, { method: 'POST', headers: bearer(token), body: form });
  const { data, errors } = await answer.json();
  assert.deepEqual([errors, data?.upload.userErrors], [undefined, []]);
  return data.upload.file;
}

/** Why a promise was rejected. */
export const rejection = (promise) =>
  promise.then(
    (value) => assert.fail(`not rejected, but ${JSON.stringify(value)}`),
    (reason) => reason,
  );

/** A small text file. */
export const text = (content = 'hello') => new Blob([content], { type: 'text/plain' });

let pictures = 0;

/** A picture that no other call made: a PNG. */
export function photo(width = 320, height = 240, seed = ++pictures) {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0, at = 0; y < height; y++) {
    at++; // Each row begins with its filter: none.
    for (let x = 0; x < width; x++) {
      rows[at++] = (x * 255) / width;
      rows[at++] = (y * 255) / height;
      rows[at++] = ((x * 7 + y * 13) % 251) ^ seed;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8); // 8 bits a channel, three channels
  const chunk = (name, data) => {
    const named = Buffer.concat([Buffer.from(name), data]);
    const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    size.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(named));
    return [size, named, sum];
  };
  const parts = [
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    ...chunk('IHDR', header),
    ...chunk('tEXt', Buffer.from(`Comment\0picture ${seed}`)),
    ...chunk('IDAT', deflateSync(rows)),
    ...chunk('IEND', Buffer.alloc(0)),
  ];
  return new Blob(parts, { type: 'image/png' });
}

/** A client for subscriptions, with this token. Options are those of graphql-ws. End it with `dispose()`. */
export const socket = (token, options = {}) =>
  createClient({ url: socketUrl, webSocketImpl: WebSocket, connectionParams: bearer(token), retryAttempts: 0, ...options });

/** Waits until the thumbnails of an image have settled, and answers it. */
export async function settled(token, id) {
  const client = socket(token);
  const query = `subscription ($id: ID!) {
    thumbnailReady(fileId: $id) { id name thumbnailStatus thumbnailError width height thumbnails { size width height url } }
  }`;
  try {
    for await (const { data, errors } of client.iterate({ query, variables: { id } })) {
      assert.equal(errors, undefined);
      return data.thumbnailReady;
    }
    throw new Error(`there was no event for ${id}`);
  } finally {
    await client.dispose();
  }
}

/**
 * Starts a server of one's own on a new data folder (the embedded back end), for settings that the shared one does not
 * have: `{ 'server.mode': 'production' }`. It has `url`, `graphqlUrl`, `socketUrl`; `stop()` stops it as SIGTERM does;
 * `start()` starts it again, with its data, at the same address. It ends with the test file at the latest.
 */
export async function startServer({ settings, args } = {}) {
  const server = await startProgram({ settings, args });
  server.graphqlUrl = `${server.url}/graphql`;
  server.socketUrl = server.graphqlUrl.replace('http', 'ws');
  return server;
}

/**
 * Waits for what has to happen within so many milliseconds; three times as long in CI, where the machine may be busy.
 */
export async function within(milliseconds, what, promise) {
  const margin = process.env.CI ? 3 : 1;
  const late = setTimeout(milliseconds * margin, undefined, { ref: false }).then(() => {
    throw new Error(`${what}: not within ${milliseconds * margin} ms`);
  });
  return Promise.race([promise, late]);
}

/**
 * Uploads pictures until a stream of `thumbnailReady` without `fileId` gives its first event: only then is it known to
 * listen. Answers that event.
 */
export async function awaken(events, token, endpoint = graphqlUrl) {
  let first;
  const heard = events.next().then((event) => (first = event));
  heard.catch(() => {}); // It is looked at after the upload.
  while (!first) {
    await upload(token, 'awake.png', photo(40, 30), {}, endpoint);
    await Promise.race([heard, setTimeout(1000, undefined, { ref: false })]);
  }
  return first.value;
}
