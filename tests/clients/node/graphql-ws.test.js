// The client of the package graphql-ws.

import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout } from 'node:timers/promises';

import {
  awaken,
  bearer,
  newUser,
  photo,
  post,
  rejection,
  socket,
  startServer,
  text,
  upload,
  within,
} from './support.js';

const VIEWER = '{ viewer { id email } }';
const READY = 'subscription ($id: ID) { thumbnailReady(fileId: $id) { id name thumbnailStatus } }';

/** Every answer of an operation, to its end. */
async function all(client, query, variables = {}) {
  const answers = [];
  for await (const answer of client.iterate({ query, variables })) answers.push(answer);
  return answers;
}

/** The one answer of a query or mutation. */
async function one(client, query, variables = {}) {
  const answers = await all(client, query, variables);
  assert.equal(answers.length, 1);
  return answers[0];
}

/** The next event of this name, with its arguments. */
const event = (client, name) => new Promise((resolve) => client.on(name, (...args) => resolve(args)));

test('a query and a mutation are answered once, in the name of the token', async () => {
  const user = await newUser();
  const client = socket(user.token);
  const { data } = await one(client, VIEWER);
  assert.deepEqual(data, { viewer: { id: user.id, email: user.email } });
  const made = await one(
    client,
    'mutation ($name: String!) { createFolder(input: { name: $name }) { folder { name kind } userErrors { code } } }',
    { name: 'Über' },
  );
  assert.deepEqual(made.data.createFolder, { folder: { name: 'Über', kind: 'FOLDER' }, userErrors: [] });
  await client.dispose();
});

test('the token is taken from wherever front ends put it, also when they fetch it first', async () => {
  const { id, token } = await newUser();
  for (const connectionParams of [
    { Authorization: `Bearer ${token}` },
    { token },
    { headers: { authorization: `Bearer ${token}` } },
    async () => bearer(token),
  ]) {
    const client = socket(undefined, { connectionParams });
    assert.equal((await one(client, VIEWER)).data.viewer?.id, id);
    await client.dispose();
  }
});

test('without a token one is nobody, and what needs somebody fails alone', async () => {
  const client = socket(undefined);
  const { data, errors } = await one(client, '{ viewer { id } files { totalCount } limits { pageSize } }');
  assert.deepEqual(data, { viewer: null, files: null, limits: { pageSize: 100 } });
  assert.deepEqual(errors.map(({ path, extensions }) => [path, extensions.code]), [[['files'], 'UNAUTHENTICATED']]);
  assert(errors[0].extensions.requestId);
  const [answer, ...more] = await all(client, READY);
  assert.equal(answer.errors[0].extensions.code, 'UNAUTHENTICATED');
  assert.deepEqual(more, []);
  await client.dispose();
});

test('a wrong token closes the socket with 4403', async () => {
  for (const connectionParams of [bearer('nonsense'), { authorization: 'nonsense' }, { token: 42 }]) {
    const client = socket(undefined, { connectionParams });
    const { code, reason } = await rejection(one(client, VIEWER));
    assert.deepEqual([code, reason], [4403, 'Forbidden']);
  }
});

test('a subscription to one image gives one event and completes, early and late', async () => {
  const { token } = await newUser();
  const file = await upload(token, 'photo.png', photo());
  const client = socket(token);
  for (const when of ['early', 'late']) {
    const answers = await all(client, READY, { id: file.id });
    const data = { thumbnailReady: { id: file.id, name: 'photo.png', thumbnailStatus: 'READY' } };
    assert.deepEqual(answers, [{ data }], when);
  }
  await client.dispose();
});

test('a subscription to all images gives an event for each, until it is left', async () => {
  const { token } = await newUser();
  const client = socket(token);
  const events = client.iterate({ query: READY });
  await awaken(events, token);
  const names = ['a.png', 'b.png', 'c.png'];
  const files = await Promise.all(names.map((name) => upload(token, name, photo())));
  const wanted = new Map(files.map(({ id, name }) => [id, name]));
  for await (const { data } of events) {
    const { id, name, thumbnailStatus } = data.thumbnailReady;
    if (name === 'awake.png') continue;
    assert.deepEqual([name, thumbnailStatus], [wanted.get(id), 'READY']);
    wanted.delete(id);
    if (wanted.size === 0) break; // which completes the subscription
  }
  // The socket is none the worse for it.
  assert((await one(client, VIEWER)).data.viewer);
  await client.dispose();
});

test('a subscription to what there is not fails with NOT_FOUND and completes', async () => {
  const [user, stranger] = await Promise.all([newUser(), newUser()]);
  const client = socket(user.token);
  const [foreign, plain] = await Promise.all([
    upload(stranger.token, 'photo.png', photo()),
    upload(user.token, 'a.txt', text()),
  ]);
  for (const id of [foreign.id, plain.id, 'nonsense']) {
    const answers = await all(client, READY, { id });
    assert.deepEqual(answers.map(({ errors }) => errors.map(({ extensions }) => extensions.code)), [['NOT_FOUND']]);
  }
  await client.dispose();
});

test('what is no GraphQL, or does not fit the schema, fails as an error of its operation alone', async () => {
  const { token } = await newUser();
  const client = socket(token);
  for (const [query, code] of [
    ['{ viewer', 'GRAPHQL_PARSE_FAILED'],
    ['{ viewer { nonsense } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['query ($n: Int!) { files(first: $n) { totalCount } }', 'BAD_USER_INPUT'],
    ['subscription { nonsense }', 'GRAPHQL_VALIDATION_FAILED'],
  ]) {
    // The message `error`, which the client hands over as a list of errors.
    const errors = await rejection(all(client, query));
    assert(Array.isArray(errors), String(errors));
    assert.equal(errors[0].extensions.code, code, query);
    assert(errors[0].extensions.requestId);
  }
  assert((await one(client, VIEWER)).data.viewer);
  await client.dispose();
});

test('a client that keeps its socket alive gets a pong for each ping', async () => {
  const { token } = await newUser();
  const client = socket(token, { lazy: false, keepAlive: 20 });
  let pings = 0;
  const pongs = new Promise((resolve) => {
    let count = 0;
    client.on('ping', (received) => received || pings++);
    client.on('pong', (received) => received && ++count === 3 && resolve());
  });
  await within(5000, 'three pongs', pongs);
  assert(pings >= 3);
  await client.dispose();
});

test('a client that is not lazy connects by itself, and leaves with 1000', async () => {
  const { token } = await newUser();
  const client = socket(token, { lazy: false });
  const connected = event(client, 'connected');
  const closed = event(client, 'closed');
  const [, payload, wasRetry] = await connected;
  assert.deepEqual([payload, wasRetry], [undefined, false]);
  await client.dispose();
  assert.equal((await closed)[0].code, 1000);
});

test('many operations share one socket, and each gets its own answers', async () => {
  const { token } = await newUser();
  const files = await Promise.all(Array.from({ length: 8 }, (_, n) => upload(token, `${n}.png`, photo(64, 48))));
  const client = socket(token, { lazy: false });
  let sockets = 0;
  client.on('connecting', () => sockets++);
  await event(client, 'connected');
  const folder = 'mutation ($name: String!) { createFolder(input: { name: $name }) { folder { name } } }';
  await Promise.all([
    ...files.map(async ({ id, name }) => {
      const [{ data }, ...more] = await all(client, READY, { id });
      assert.deepEqual([data.thumbnailReady.name, more], [name, []]);
    }),
    ...files.map(async ({ id, name }) => {
      const { data } = await one(client, 'query ($id: ID!) { file(id: $id) { name } }', { id });
      assert.equal(data.file.name, name);
    }),
    ...files.map(async ({ id }) => {
      assert.equal((await one(client, folder, { name: id })).data.createFolder.folder.name, id);
    }),
  ]);
  assert.equal(sockets, 0, 'one socket was enough');
  await client.dispose();
});

test('an operation that is left does not end the others on its socket', async () => {
  const { token } = await newUser();
  const client = socket(token);
  const [left, kept] = [client.iterate({ query: READY }), client.iterate({ query: READY })];
  await awaken(left, token);
  await awaken(kept, token);
  await left.return();
  const file = await upload(token, 'after.png', photo());
  for await (const { data } of kept) if (data.thumbnailReady.id === file.id) break;
  // What it heard before it was left may still be waiting there.
  for await (const { data } of left) assert.notEqual(data.thumbnailReady.id, file.id);
  await client.dispose();
});

test('logging out closes the sockets of the session within 5 s, and no others', async () => {
  const { email, password, token } = await newUser();
  const login = 'mutation ($input: LoginInput!) { login(input: $input) { token } }';
  const other = (await post(login, { input: { email, password } })).data.login.token;
  const [client, bystander] = [socket(token), socket(other)];
  const [events, others] = [client.iterate({ query: READY }), bystander.iterate({ query: READY })];
  await awaken(events, token);
  await awaken(others, token);
  const ended = (async () => {
    for await (const answer of events) void answer;
  })();
  await post('mutation { logout { userErrors { code } } }', {}, token);
  const { code, reason } = await within(5000, 'the close', rejection(ended));
  assert.deepEqual([code, reason], [4403, 'The session has ended']);
  const file = await upload(other, 'after.png', photo());
  for await (const { data } of others) if (data.thumbnailReady.id === file.id) break;
  await bystander.dispose();
});

test('a subscription outlives a restart of the server', async () => {
  const server = await startServer();
  const { token } = await newUser(server.graphqlUrl);
  // Unless told, this client gives up when a connection is refused, as it is while the server is down.
  const retrying = { retryAttempts: 200, retryWait: () => setTimeout(50), shouldRetry: () => true };
  const client = socket(token, { url: server.socketUrl, ...retrying });
  const events = client.iterate({ query: READY });
  await awaken(events, token, server.graphqlUrl);
  const closed = event(client, 'closed');
  assert.equal(await server.stop(), 0);
  assert.equal((await closed)[0].code, 1001);
  const connected = event(client, 'connected');
  await server.start();
  const [, , wasRetry] = await connected;
  assert.equal(wasRetry, true);
  const { data } = await awaken(events, token, server.graphqlUrl);
  assert.equal(data.thumbnailReady.thumbnailStatus, 'READY');
  await client.dispose();
});
