// What the other tests stand on.

import assert from 'node:assert/strict';
import test from 'node:test';

import { newUser, photo, post, settled, startServer, upload, url } from './support.js';

test('a picture made here is one that the server can scale', async () => {
  const { token } = await newUser();
  const file = await upload(token, 'photo.png', photo(640, 480));
  const image = await settled(token, file.id);
  assert.equal(image.thumbnailStatus, 'READY', image.thumbnailError);
  assert.deepEqual([image.width, image.height], [640, 480]);
  assert.deepEqual(image.thumbnails.map(({ width }) => width), [100, 250, 500]);
  assert((await fetch(image.thumbnails[0].url)).ok);
});

test('a server of one\'s own stops, and starts again at its address with its data', async () => {
  const server = await startServer();
  assert.notEqual(server.url, url);
  const { token, id } = await newUser(server.graphqlUrl);
  assert.equal(await server.stop(), 0);
  await assert.rejects(fetch(server.url));
  await server.start();
  const { data } = await post('{ viewer { id } }', {}, token, server.graphqlUrl);
  assert.equal(data.viewer.id, id);
});
