// The client of the package graphql-sse, in its distinct connections mode.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { createClient } from 'graphql-sse';

import {
  awaken,
  bearer,
  graphqlUrl,
  newUser,
  photo,
  post,
  rejection,
  startServer,
  text,
  upload,
  within,
} from './support.js';

const VIEWER = '{ viewer { id } }';
const READY = 'subscription ($id: ID) { thumbnailReady(fileId: $id) { id name thumbnailStatus } }';

const client = (token, options = {}) =>
  createClient({ url: graphqlUrl, headers: bearer(token), retryAttempts: 0, ...options });

/** Every answer of an operation, to its end. */
async function all(client, query, variables = {}) {
  const answers = [];
  for await (const answer of client.iterate({ query, variables })) answers.push(answer);
  return answers;
}

const codes = (answers) => answers.map(({ errors }) => errors?.map(({ extensions }) => extensions.code));

/** Asks without a client. */
const ask = (token, query, variables = {}, options = {}) =>
  fetch(graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...bearer(token) },
    body: JSON.stringify({ query, variables }),
    ...options,
  });

// At the same time: one of them waits for a long silence.
describe('graphql-sse', { concurrency: true }, () => {
  test('a query and a mutation are answered once, and complete', async () => {
    const { id, token } = await newUser();
    assert.deepEqual(await all(client(token), VIEWER), [{ data: { viewer: { id } } }]);
    const folder = 'mutation { createFolder(input: { name: "Bücher\\n" }) { folder { name } userErrors { code field } } }';
    const [{ data }] = await all(client(token), folder);
    assert.deepEqual(data.createFolder.userErrors, [{ code: 'BAD_USER_INPUT', field: ['input', 'name'] }]);
  });

  test('a subscription to one image gives one event and completes, early and late', async () => {
    const { token } = await newUser();
    const file = await upload(token, 'photo.png', photo());
    for (const when of ['early', 'late']) {
      const answers = await all(client(token), READY, { id: file.id });
      const data = { thumbnailReady: { id: file.id, name: 'photo.png', thumbnailStatus: 'READY' } };
      assert.deepEqual(answers, [{ data }], when);
    }
  });

  test('a subscription to all images gives an event for each, until it is left', async () => {
    const { token } = await newUser();
    const events = client(token).iterate({ query: READY });
    await awaken(events, token);
    const names = ['a.png', 'b.png', 'c.png'];
    const files = await Promise.all(names.map((name) => upload(token, name, photo())));
    const wanted = new Map(files.map(({ id, name }) => [id, name]));
    for await (const { data } of events) {
      const { id, name, thumbnailStatus } = data.thumbnailReady;
      if (name === 'awake.png') continue;
      assert.deepEqual([name, thumbnailStatus], [wanted.get(id), 'READY']);
      wanted.delete(id);
      if (wanted.size === 0) break;
    }
    assert.equal(wanted.size, 0);
  });

  test('errors come as answers on a stream that was accepted', async () => {
    const [{ token }, stranger] = await Promise.all([newUser(), newUser()]);
    const foreign = await upload(stranger.token, 'photo.png', photo());
    const plain = await upload(token, 'a.txt', text());
    for (const [who, query, id, code] of [
      [token, '{ viewer', null, 'GRAPHQL_PARSE_FAILED'],
      [token, '{ viewer { nonsense } }', null, 'GRAPHQL_VALIDATION_FAILED'],
      [token, 'subscription { nonsense }', null, 'GRAPHQL_VALIDATION_FAILED'],
      [token, READY, foreign.id, 'NOT_FOUND'],
      [token, READY, plain.id, 'NOT_FOUND'],
      [token, READY, 'nonsense', 'NOT_FOUND'],
      [undefined, READY, null, 'UNAUTHENTICATED'],
      ['nonsense', READY, null, 'UNAUTHENTICATED'],
    ]) {
      const answers = await all(client(who), query, { id });
      assert.deepEqual(codes(answers), [[code]], `${query} ${id}`);
      assert(answers[0].errors[0].extensions.requestId);
    }
  });

  test('a stream is framed as the protocol has it', async () => {
    const { id, token } = await newUser();
    const answer = await ask(token, VIEWER);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type'), /^text\/event-stream\b/);
    assert.match(answer.headers.get('cache-control'), /no-(store|cache)/);
    const events = (await answer.text()).split('\n\n').filter((event) => event !== '' && !event.startsWith(':'));
    const fields = events.map((event) => Object.fromEntries(event.split('\n').map((line) => line.split(/: ?(.*)/s))));
    assert.deepEqual(fields.map(({ event }) => event), ['next', 'complete']);
    assert.deepEqual(JSON.parse(fields[0].data), { data: { viewer: { id } } });
    assert.equal(fields[1].data, '', 'EventSource passes over an event without data');
  });

  test('a query may come by GET, and a mutation may not', async () => {
    const { id, token } = await newUser();
    const get = (query) =>
      fetch(`${graphqlUrl}?${new URLSearchParams({ query })}`, {
        headers: { accept: 'text/event-stream', ...bearer(token) },
      });
    assert((await (await get(VIEWER)).text()).includes(JSON.stringify({ data: { viewer: { id } } })));
    const refused = await get('mutation { logout { userErrors { code } } }');
    assert.equal(refused.status, 405);
    assert.equal((await post(VIEWER, {}, token)).data.viewer.id, id);
  });

  test('a silent stream says now and then that it is alive', async () => {
    const { token } = await newUser();
    const leaving = new AbortController();
    const answer = await ask(token, READY, {}, { signal: leaving.signal });
    const silence = async () => {
      let comments = 0;
      for await (const bytes of answer.body) {
        for (const line of Buffer.from(bytes).toString().split('\n')) {
          assert(line === '' || line.startsWith(':'), line);
          if (line !== '') comments++;
        }
        // The first opens the stream.
        if (comments >= 2) return;
      }
      assert.fail('the stream ended');
    };
    await within(15_000, 'a sign of life', silence());
    leaving.abort();
  });

  test('a stream that a client leaves is free again for others', async () => {
    const server = await startServer({ settings: { 'limits.sockets_per_user': 2 } });
    const { token } = await newUser(server.graphqlUrl);
    const open = () => client(token, { url: server.graphqlUrl }).iterate({ query: READY });
    const [left, kept] = [open(), open()];
    await awaken(left, token, server.graphqlUrl);
    await awaken(kept, token, server.graphqlUrl);
    const refused = await rejection(open().next());
    assert.equal(refused.response.status, 429);
    assert.equal((await refused.response.json()).errors[0].extensions.code, 'RATE_LIMITED');
    await left.return();
    // The server learns of it when the connection closes, which nobody is told.
    const another = async () => {
      for (;;) {
        const events = open();
        try {
          await awaken(events, token, server.graphqlUrl);
          return events;
        } catch (refused) {
          assert.equal(refused.response?.status, 429, refused);
          await setTimeout(20);
        }
      }
    };
    const taken = await within(5000, 'a place', another());
    await Promise.all([kept.return(), taken.return()]);
  });

  test('logging out ends the streams of the session within 5 s', async () => {
    const { token } = await newUser();
    const events = client(token).iterate({ query: READY });
    await awaken(events, token);
    const rest = async () => {
      const answers = [];
      for await (const answer of events) if (answer.errors) answers.push(answer);
      return answers;
    };
    const ended = rest();
    await post('mutation { logout { userErrors { code } } }', {}, token);
    assert.deepEqual(codes(await within(5000, 'the end', ended)), [['UNAUTHENTICATED']]);
  });

  test('a subscription outlives a restart of the server', async () => {
    const server = await startServer();
    const { token } = await newUser(server.graphqlUrl);
    const options = { url: server.graphqlUrl, retryAttempts: 200, retry: () => setTimeout(50) };
    const events = client(token, options).iterate({ query: READY });
    await awaken(events, token, server.graphqlUrl);
    assert.equal(await server.stop(), 0);
    await server.start();
    const { data } = await awaken(events, token, server.graphqlUrl);
    assert.equal(data.thumbnailReady.thumbnailStatus, 'READY');
    await events.return();
  });

  test('the single connection mode is refused at once', async () => {
    const { token } = await newUser();
    const single = client(token, { singleConnection: true });
    const refused = await rejection(single.iterate({ query: VIEWER }).next());
    assert.equal(refused.response.status, 405);
  });
});
