// urql's normalised cache (graphcache): what one operation learns of a file shows in every list, and nothing is fetched
// twice. And its document cache, which fetches again what a mutation may have changed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheExchange } from '@urql/core';

import { DELETE, LIST, OTHERS, RENAME, SET_PUBLIC, folder, notes, readyPhoto, typesWithoutId } from './front/lists.js';
import { noWarnings } from './front/quiet.js';
import { cacheSettings, urql, watch } from './front/urql.js';
import { newUser, photo, upload } from './support.js';

noWarnings();

// It selects other fields than the list does.
const THUMBNAIL_READY = `
  subscription ThumbnailReady($fileId: ID) {
    thumbnailReady(fileId: $fileId) { id thumbnailStatus thumbhash width height }
  }
`;

const rows = ({ data }) => data.files.edges.map(({ node }) => node);
const names = (result) => rows(result).map(({ name }) => name);

/** A user with these files, and the watched list of them. */
async function watchedList(t, files, settings) {
  const user = await newUser();
  const ids = await notes(user.token, files);
  const front = urql({ token: user.token }, settings);
  const list = watch(front.client.query(LIST, {}));
  t.after(() => {
    list.stop();
    return front.sockets.dispose();
  });
  await list.until(({ data }) => data?.files, 'the list');
  return { ...front, user, ids, list, mutate: mutate(front.client) };
}

const mutate = (client) => async (mutation, input) => {
  const { data, error } = await client.mutation(mutation, { input });
  assert.equal(error, undefined);
  assert.deepEqual(Object.values(data)[0].userErrors, []);
};

test('a list shows what setPublic has changed, without fetching', async (t) => {
  const { requests, ids, list, mutate } = await watchedList(t, ['a.txt', 'b.txt']);
  const signed = rows(list.last)[1].url;
  await mutate(SET_PUBLIC, { fileId: ids[1], isPublic: true });
  const shown = await list.until((result) => rows(result)[1].isPublic, 'the file as public');
  assert.deepEqual(rows(shown).map(({ isPublic }) => isPublic), [false, true]);
  assert.notEqual(rows(shown)[1].url, signed);
  assert.equal(requests.length, 2, 'the list and the mutation');
});

test('a list shows what rename has changed, without fetching', async (t) => {
  const { requests, ids, list, mutate } = await watchedList(t, ['a.txt', 'b.txt']);
  await mutate(RENAME, { fileId: ids[0], name: 'aa.txt' });
  const shown = await list.until((result) => names(result).includes('aa.txt'), 'the new name');
  assert.deepEqual(names(shown), ['aa.txt', 'b.txt']);
  assert.equal(requests.length, 2);
});

test('a deleted file leaves the list, without fetching', async (t) => {
  const { requests, ids, list, mutate } = await watchedList(t, ['a.txt', 'b.txt', 'c.txt']);
  await mutate(DELETE, { fileId: ids[1] });
  const shown = await list.until((result) => names(result).length === 2, 'two files');
  assert.deepEqual(names(shown), ['a.txt', 'c.txt']);
  assert.equal(requests.length, 2);
});

test('the event of a subscription updates the list, and takes nothing from it', async (t) => {
  const { client, requests, user, list, subscription } = await watchedList(t, ['a.txt']);
  const { id } = await upload(user.token, 'photo.png', photo());
  await client.query(LIST, {}, { requestPolicy: 'network-only' });
  const [, before] = rows(await list.until((result) => names(result).includes('photo.png'), 'the photo'));
  const asked = requests.length;

  await watch(subscription(THUMBNAIL_READY, { fileId: id })).end();
  const shown = await list.until((result) => rows(result)[1].thumbnailStatus === 'READY', 'READY');
  assert.deepEqual(rows(shown)[1], { ...before, thumbnailStatus: 'READY' });
  assert.equal(requests.length, asked);
});

test('a file that a list has is opened without fetching', async (t) => {
  const { client, requests, ids } = await watchedList(t, ['a.txt']);
  const { data } = await client.query('query File($id: ID!) { file(id: $id) { id name isPublic } }', { id: ids[0] });
  assert.equal(data.file.name, 'a.txt');
  assert.equal(requests.length, 1);
});

test('queries that select different fields of one object add to each other', async (t) => {
  const { client, requests, user, list, ids } = await watchedList(t, ['a.txt']);
  const parentId = await folder(user.token, 'holiday');
  const photos = await readyPhoto(user.token, 'photo.png', photo(300, 200), { parentId });
  const others = OTHERS.flatMap((query) =>
    query.includes('$id') ? [photos, parentId].map((id) => [query, { id }]) : [[query, {}]],
  );
  const answers = [];
  for (const [query, variables] of others) {
    const { data, error } = await client.query(query, variables);
    assert.equal(error, undefined, query);
    answers.push(data);
  }
  // Whatever came later, the answers to all of them are still whole in the cache.
  const asked = requests.length;
  for (const [index, [query, variables]] of others.entries()) {
    const { data } = await client.query(query, variables, { requestPolicy: 'cache-only' });
    assert.deepEqual(data, answers[index], query);
  }
  assert.equal(requests.length, asked);
  assert.equal(rows(list.last)[0].id, ids[0]);
});

test('the settings of the cache name every type without an ID', async () => {
  assert.deepEqual(Object.keys(cacheSettings.keys).sort(), await typesWithoutId());
});

test('the document cache fetches a list again after a mutation on one of its files', async (t) => {
  const { requests, ids, list, mutate } = await watchedList(t, ['a.txt', 'b.txt'], { cache: cacheExchange });
  await mutate(RENAME, { fileId: ids[0], name: 'aa.txt' });
  const shown = await list.until((result) => !result.stale && names(result).includes('aa.txt'), 'the new name');
  assert.deepEqual(names(shown), ['aa.txt', 'b.txt']);
  assert.equal(requests.length, 3, 'the list, the mutation, the list again');
});
