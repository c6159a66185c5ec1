// Apollo Client's subscriptions: over a WebSocket (GraphQLWsLink), and over HTTP in parts (HttpLink, subscriptionSpec=1.0).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CombinedProtocolErrors, gql } from '@apollo/client';

import { apollo, codeOf, watch } from './front/apollo.js';
import { bottleneck } from './front/bottleneck.js';
import { THUMBNAIL_READY, freshPhoto, listening, signOut } from './front/events.js';
import { noWarnings } from './front/quiet.js';
import { soon } from './front/seen.js';
import { newUser, photo, settled, startServer, upload, url } from './support.js';

noWarnings();

const query = gql(THUMBNAIL_READY);
const event = ({ data }) => data?.thumbnailReady;
const isOf = (id) => (result) => event(result)?.id === id;

for (const subscribeBy of ['websocket', 'multipart']) {
  /** A subscription of this user. */
  function subscribe(t, session, variables, settings) {
    const front = apollo(session, { subscribeBy, ...settings });
    const events = watch(front.client.subscribe({ query, variables }));
    t.after(async () => {
      events.stop();
      await front.sockets.dispose();
    });
    return { ...front, events };
  }

  /** The code of the error that ends it. */
  async function refusal({ events }) {
    await events.end();
    assert.equal(events.values.length, 1);
    return codeOf(events.last.error);
  }

  test(`${subscribeBy}: the event of one image comes exactly once, and ends the stream`, async (t) => {
    const { token } = await newUser();
    const fileId = await freshPhoto(token);
    const { events } = subscribe(t, { token }, { fileId });
    await events.end();
    assert.equal(events.values.length, 1);
    const image = event(events.last);
    assert.deepEqual([image.id, image.thumbnailStatus, image.thumbnails.length > 0], [fileId, 'READY', true]);
    assert.equal(events.last.error, undefined);
  });

  test(`${subscribeBy}: it comes as well to who subscribes after the image was done`, async (t) => {
    const { token } = await newUser();
    const fileId = await freshPhoto(token);
    await settled(token, fileId);
    const { events, requests } = subscribe(t, { token }, { fileId });
    await events.end();
    assert.deepEqual(events.values.map((result) => event(result).id), [fileId]);
    // Over HTTP the answer comes in parts; over a WebSocket there is no request.
    const types = requests.map(({ contentType }) => contentType.split(';')[0]);
    assert.deepEqual(types, subscribeBy === 'multipart' ? ['multipart/mixed'] : []);
  });

  test(`${subscribeBy}: each image is told of as it settles, while the stream stays open`, async (t) => {
    const { token } = await newUser();
    const { events } = subscribe(t, { token });
    await listening(token, (canary) => events.until(isOf(canary), 'the canary'));
    for (const name of ['one.png', 'two.png', 'three.png']) {
      const id = await freshPhoto(token, name);
      const { data } = await events.until(isOf(id), name);
      assert.equal(data.thumbnailReady.name, name);
      assert.equal(events.ended, false);
    }
  });

  test(`${subscribeBy}: who is not signed in gets UNAUTHENTICATED`, async (t) => {
    const { token } = await newUser();
    const fileId = await freshPhoto(token);
    const handled = [];
    const onError = ({ error }) => void handled.push(codeOf(error));
    assert.equal(await refusal(subscribe(t, {}, {}, { onError })), 'UNAUTHENTICATED');
    assert.equal(await refusal(subscribe(t, {}, { fileId })), 'UNAUTHENTICATED');
    assert.deepEqual(handled, ['UNAUTHENTICATED'], 'the error link hears of it, too');
  });

  test(`${subscribeBy}: an image of somebody else is NOT_FOUND`, async (t) => {
    const [owner, stranger] = [await newUser(), await newUser()];
    const fileId = await freshPhoto(owner.token);
    assert.equal(await refusal(subscribe(t, { token: stranger.token }, { fileId })), 'NOT_FOUND');
  });

  test(`${subscribeBy}: a subscription that does not fit the schema is refused with a code`, async (t) => {
    const { token } = await newUser();
    const { client, sockets } = apollo({ token }, { subscribeBy });
    t.after(() => sockets.dispose());
    const events = watch(client.subscribe({ query: gql`subscription { nothingOfTheKind { id } }` }));
    assert.equal(await refusal({ events }), 'GRAPHQL_VALIDATION_FAILED');
  });

  test(`${subscribeBy}: unsubscribing closes the connection`, async (t) => {
    const { token } = await newUser();
    const relay = await bottleneck(url);
    t.after(() => relay.close());
    const { events } = subscribe(t, { token }, {}, { uri: `${relay.url}/graphql` });
    await listening(token, (canary) => events.until(isOf(canary), 'the canary'));
    events.stop();
    await soon(relay.over, 'the connection to close');
  });
}

/** Why a subscription was broken off: the code that the server gave, or else what became of the socket. */
const reason = (error) => (CombinedProtocolErrors.is(error) ? error.errors[0].extensions.code : error.message);

test('multipart: signs of life are no results, and a server that stops says so', async (t) => {
  const server = await startServer({ settings: { 'limits.stream_keep_alive': '20ms' } });
  const { token } = await newUser(server.graphqlUrl);
  const relay = await bottleneck(server.url);
  t.after(() => relay.close());
  const { client } = apollo({ token }, { subscribeBy: 'multipart', uri: `${relay.url}/graphql` });
  const events = watch(client.subscribe({ query }));
  await soon(relay.sent('\r\n{}\r\n--graphql', 3), 'signs of life');
  const id = (await upload(token, 'photo.png', photo(), {}, server.graphqlUrl)).id;
  await events.until(isOf(id), 'an event among them');
  assert.equal(events.values.length, 1);

  assert.equal(await server.stop(), 0);
  await events.end();
  assert.equal(reason(events.last.error), 'SERVICE_UNAVAILABLE');
});

test('websocket: a server that stops closes the socket as one that goes away', async (t) => {
  const server = await startServer();
  const { token } = await newUser(server.graphqlUrl);
  const front = apollo({ token }, { uri: server.graphqlUrl });
  t.after(() => front.sockets.dispose());
  const connected = new Promise((resolve) => front.sockets.on('connected', resolve));
  const events = watch(front.client.subscribe({ query }));
  await soon(connected, 'the socket');
  assert.equal(await server.stop(), 0);
  await events.end();
  assert.match(reason(events.last.error), /event 1001/);
});

test('a subscription ends with its session', async (t) => {
  const { token } = await newUser();
  const all = ['websocket', 'multipart'].map((subscribeBy) => {
    const front = apollo({ token }, { subscribeBy });
    t.after(() => front.sockets.dispose());
    return watch(front.client.subscribe({ query }));
  });
  await listening(token, (canary) => Promise.all(all.map((events) => events.until(isOf(canary), 'the canary'))));
  await signOut(token);
  const reasons = await Promise.all(all.map((events) => events.end().then(() => reason(events.last.error))));
  assert.match(reasons[0], /event 4403/);
  assert.equal(reasons[1], 'UNAUTHENTICATED');
});

test('many subscriptions come and go on one socket', async (t) => {
  const { token } = await newUser();
  const front = apollo({ token });
  t.after(() => front.sockets.dispose());
  let sockets = 0;
  front.sockets.on('opened', () => (sockets += 1));
  const held = watch(front.client.subscribe({ query }));
  await listening(token, (canary) => held.until(isOf(canary), 'the canary'));
  const ids = [await freshPhoto(token), await freshPhoto(token)];
  // More than the hundred operations that a socket may have at once.
  for (let round = 0; round < 60; round += 1) {
    const passing = watch(front.client.subscribe({ query }));
    const [once, again] = ids.map((fileId) => watch(front.client.subscribe({ query, variables: { fileId } })));
    await Promise.all([once.end(), again.end()]);
    passing.stop();
  }
  assert.equal(held.ended, false);
  assert.equal(sockets, 1);
  held.stop();
});

test('websocket: a token that is none closes the socket as forbidden', async (t) => {
  const front = apollo({ token: 'made up' });
  t.after(() => front.sockets.dispose());
  const events = watch(front.client.subscribe({ query }));
  await events.end();
  assert.match(events.last.error.message, /^Socket closed with event 4403/);
});
