// Apollo Client's cache: what one operation learns of a file shows in every list, and nothing is fetched twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gql } from '@apollo/client';

import { apollo, cacheSettings, watch } from './front/apollo.js';
import * as lists from './front/lists.js';
import { noWarnings } from './front/quiet.js';
import { newUser, photo, upload } from './support.js';

const { folder, notes, readyPhoto, typesWithoutId } = lists;
const LIST = gql(lists.LIST);
// It selects other fields than the list does.
const THUMBNAIL_READY = gql`
  subscription ThumbnailReady($fileId: ID) {
    thumbnailReady(fileId: $fileId) {
      id
      thumbnailStatus
      thumbhash
      width
      height
    }
  }
`;

noWarnings();

const rows = ({ data }) => data.files.edges.map(({ node }) => node);
const names = (result) => rows(result).map(({ name }) => name);
const complete = ({ data, dataState }) => dataState === 'complete' && data.files;

/** A user with these files, and the watched list of them. */
async function watchedList(t, ...files) {
  const user = await newUser();
  const ids = await notes(user.token, files);
  const front = apollo({ token: user.token });
  const list = watch(front.client.watchQuery({ query: LIST }));
  t.after(() => {
    list.stop();
    return front.sockets.dispose();
  });
  await list.until(complete, 'the list');
  return { ...front, user, ids, list, mutate: mutate(front.client) };
}

const mutate = (client) => async (mutation, input, options) => {
  const { data } = await client.mutate({ mutation: gql(mutation), variables: { input }, ...options });
  assert.deepEqual(Object.values(data)[0].userErrors, []);
};

test('a list shows what setPublic has changed, without fetching', async (t) => {
  const { requests, ids, list, mutate } = await watchedList(t, 'a.txt', 'b.txt');
  const signed = rows(list.last)[1].url;
  await mutate(lists.SET_PUBLIC, { fileId: ids[1], isPublic: true });
  const shown = await list.until((result) => rows(result)[1].isPublic, 'the file as public');
  assert.deepEqual(rows(shown).map(({ isPublic }) => isPublic), [false, true]);
  assert.notEqual(rows(shown)[1].url, signed);
  assert.equal(requests.length, 2, 'the list and the mutation');
});

test('a list shows what rename has changed, without fetching', async (t) => {
  const { requests, ids, list, mutate } = await watchedList(t, 'a.txt', 'b.txt');
  await mutate(lists.RENAME, { fileId: ids[0], name: 'aa.txt' });
  const shown = await list.until((result) => names(result).includes('aa.txt'), 'the new name');
  assert.deepEqual(names(shown), ['aa.txt', 'b.txt']);
  assert.equal(requests.length, 2);
});

test('an optimistic answer shows at once, and is taken back when the server refuses', async (t) => {
  const { client, ids, list } = await watchedList(t, 'a.txt');
  const rename = (name, optimistic) =>
    client.mutate({
      mutation: gql(lists.RENAME),
      variables: { input: { fileId: ids[0], name } },
      optimisticResponse: {
        rename: {
          __typename: 'RenamePayload',
          file: { __typename: 'File', id: ids[0], name: optimistic, updatedAt: new Date().toISOString() },
          userErrors: [],
        },
      },
    });
  const refused = rename('a/b.txt', 'a/b.txt');
  assert.deepEqual(names(await list.until((result) => names(result)[0] === 'a/b.txt', 'the hope')), ['a/b.txt']);
  const { data } = await refused;
  assert.equal(data.rename.userErrors[0].code, 'BAD_USER_INPUT');
  await list.until((result) => names(result)[0] === 'a.txt', 'the old name again');
});

test('a deleted file leaves every list when it is evicted, without fetching', async (t) => {
  const { client, requests, ids, list, mutate } = await watchedList(t, 'a.txt', 'b.txt', 'c.txt');
  await mutate(
    lists.DELETE,
    { fileId: ids[1] },
    {
      update(cache, { data }) {
        cache.evict({ id: cache.identify({ __typename: 'File', id: data.delete.deletedFileId }) });
        cache.gc();
      },
    },
  );
  const shown = await list.until((result) => names(result).length === 2, 'two files');
  assert.deepEqual(names(shown), ['a.txt', 'c.txt']);
  assert.equal(requests.length, 2);
  assert.equal(client.cache.extract()[`File:${ids[1]}`], undefined);
});

test('the event of a subscription updates the list, and takes nothing from it', async (t) => {
  const { client, requests, user, list } = await watchedList(t, 'a.txt');
  const { id } = await upload(user.token, 'photo.png', photo());
  await client.refetchQueries({ include: [LIST] });
  const [, before] = rows(await list.until((result) => names(result).includes('photo.png'), 'the photo'));
  const asked = requests.length;

  const events = watch(client.subscribe({ query: THUMBNAIL_READY, variables: { fileId: id } }));
  await events.end();
  const shown = await list.until((result) => rows(result)[1].thumbnailStatus === 'READY', 'READY');
  assert.deepEqual(rows(shown)[1], { ...before, thumbnailStatus: 'READY' });
  assert.equal(requests.length, asked);
});

test('a file that a list has is opened without fetching', async (t) => {
  const { client, requests, ids } = await watchedList(t, 'a.txt');
  const file = client.readFragment({
    id: client.cache.identify({ __typename: 'File', id: ids[0] }),
    fragment: gql`
      fragment Row on File {
        id
        name
        isPublic
      }
    `,
  });
  assert.equal(file.name, 'a.txt');
  assert.equal(requests.length, 1);
});

test('queries that select different fields of one object add to each other', async (t) => {
  const { client, requests, user, list, ids } = await watchedList(t, 'a.txt');
  const parentId = await folder(user.token, 'holiday');
  const photos = await readyPhoto(user.token, 'photo.png', photo(300, 200), { parentId });
  const others = lists.OTHERS.flatMap((text) => {
    const query = gql(text);
    return text.includes('$id') ? [photos, parentId].map((id) => ({ query, variables: { id } })) : [{ query }];
  });
  const answers = [];
  for (const options of others) answers.push((await client.query(options)).data);
  // Whatever came later, the answers to all of them are still whole in the cache.
  const asked = requests.length;
  for (const [index, options] of others.entries()) {
    const { data } = await client.query({ ...options, fetchPolicy: 'cache-only' });
    assert.deepEqual(data, answers[index], options.query.loc.source.body);
  }
  assert.equal(requests.length, asked);
  assert.equal(rows(list.last)[0].id, ids[0]);
});

test('the settings of the cache name every type without an ID', async () => {
  // A connection is merged by the field it stands in, with its edges and its page info.
  const byPagination = ['FileConnection', 'FileEdge', 'PageInfo'];
  const byType = Object.entries(cacheSettings.typePolicies).filter(([, { merge }]) => merge).map(([name]) => name);
  assert.deepEqual([...byPagination, ...byType].sort(), await typesWithoutId());
});

test('a fragment on Node fits what implements it', async () => {
  const types = Object.values((await lists.schema()).getTypeMap());
  const nodes = types.filter((type) => type.getInterfaces?.().some(({ name }) => name === 'Node'));
  assert.deepEqual(nodes.map(({ name }) => name).sort(), cacheSettings.possibleTypes.Node);
});
