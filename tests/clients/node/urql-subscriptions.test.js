// urql's subscriptions: over a WebSocket (graphql-ws), and over HTTP as events or in parts (`fetchSubscriptions`).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheExchange } from '@urql/core';

import { bottleneck } from './front/bottleneck.js';
import { THUMBNAIL_READY, freshPhoto, listening, signOut } from './front/events.js';
import { noWarnings } from './front/quiet.js';
import { soon } from './front/seen.js';
import { codeOf, urql, watch } from './front/urql.js';
import { newUser, photo, settled, startServer, upload, url } from './support.js';

noWarnings();

const event = ({ data }) => data?.thumbnailReady;
const isOf = (id) => (result) => event(result)?.id === id;

/** What each way of subscribing is answered with over HTTP. */
const MEDIA = { websocket: [], events: ['text/event-stream'], parts: ['multipart/mixed'] };

for (const subscribeBy of Object.keys(MEDIA)) {
  /** A subscription of this user. */
  function subscribe(t, session, variables, { query = THUMBNAIL_READY, ...settings } = {}) {
    const front = urql(session, { subscribeBy, ...settings });
    const events = watch(front.subscription(query, variables));
    t.after(async () => {
      events.stop();
      await front.sockets.dispose();
    });
    return { ...front, events };
  }

  /** The code of its error. (After one urql waits for more, unless the server has ended the stream in peace.) */
  const refusal = async ({ events }) => codeOf((await events.until(({ error }) => error, 'an error')).error);

  /** The IDs of the images it told of. */
  const told = ({ values }) => values.filter((result) => event(result)).map((result) => event(result).id);

  test(`${subscribeBy}: the event of one image comes exactly once, and ends the stream`, async (t) => {
    const { token } = await newUser();
    const fileId = await freshPhoto(token);
    const { events } = subscribe(t, { token }, { fileId });
    const { data } = await events.until(isOf(fileId), 'the event');
    assert.equal(data.thumbnailReady.thumbnailStatus, 'READY');
    assert.ok(data.thumbnailReady.thumbnails.length > 0);
    await events.end();
    assert.deepEqual(events.values.map(({ error }) => error).filter(Boolean), []);
    // urql repeats the last result when a stream ends, to say that no other follows.
    assert.deepEqual([...new Set(told(events))], [fileId]);
    assert.equal(events.last.hasNext, false);
  });

  test(`${subscribeBy}: it comes as well to who subscribes after the image was done`, async (t) => {
    const { token } = await newUser();
    const fileId = await freshPhoto(token);
    await settled(token, fileId);
    const { events, requests } = subscribe(t, { token }, { fileId });
    await events.end();
    assert.deepEqual([...new Set(told(events))], [fileId]);
    assert.deepEqual(requests.map(({ contentType }) => contentType.split(';')[0]), MEDIA[subscribeBy]);
  });

  test(`${subscribeBy}: each image is told of as it settles, while the stream stays open`, async (t) => {
    const { token } = await newUser();
    const { events } = subscribe(t, { token }, {});
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
    assert.equal(await refusal(subscribe(t, {}, {})), 'UNAUTHENTICATED');
    assert.equal(await refusal(subscribe(t, {}, { fileId })), 'UNAUTHENTICATED');
  });

  test(`${subscribeBy}: an image of somebody else is NOT_FOUND`, async (t) => {
    const [owner, stranger] = [await newUser(), await newUser()];
    const fileId = await freshPhoto(owner.token);
    assert.equal(await refusal(subscribe(t, { token: stranger.token }, { fileId })), 'NOT_FOUND');
  });

  test(`${subscribeBy}: a subscription that does not fit the schema is refused with a code`, async (t) => {
    const { token } = await newUser();
    // The normalised cache would warn of the field by itself.
    const settings = { query: 'subscription { nothingOfTheKind { id } }', cache: cacheExchange };
    assert.equal(await refusal(subscribe(t, { token }, {}, settings)), 'GRAPHQL_VALIDATION_FAILED');
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

test('signs of life are no results', async (t) => {
  const server = await startServer({ settings: { 'limits.stream_keep_alive': '20ms' } });
  t.after(() => server.stop());
  const { token } = await newUser(server.graphqlUrl);
  const relay = await bottleneck(server.url);
  t.after(() => relay.close());
  // In parts they are empty objects, which urql takes for results. By itself urql asks for events.
  const front = urql({ token }, { subscribeBy: 'events', uri: `${relay.url}/graphql` });
  const events = watch(front.subscription(THUMBNAIL_READY, {}));
  t.after(events.stop);
  await soon(relay.sent(':\n\n', 3), 'signs of life');
  const id = (await upload(token, 'photo.png', photo(), {}, server.graphqlUrl)).id;
  await events.until(isOf(id), 'an event among them');
  assert.equal(events.values.length, 1);
});

test('a subscription ends with its session', async (t) => {
  const { token } = await newUser();
  const all = Object.keys(MEDIA).map((subscribeBy) => {
    const front = urql({ token }, { subscribeBy });
    t.after(() => front.sockets.dispose());
    return watch(front.subscription(THUMBNAIL_READY, {}));
  });
  await listening(token, (canary) => Promise.all(all.map((events) => events.until(isOf(canary), 'the canary'))));
  await signOut(token);
  await Promise.all(all.map((events) => events.end()));
  const [websocket, events, parts] = all.map(({ last }) => last.error);
  assert.equal(websocket.networkError.code, 4403);
  assert.deepEqual([events, parts].map(codeOf), ['UNAUTHENTICATED', 'UNAUTHENTICATED']);
});
