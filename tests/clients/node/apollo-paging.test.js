// Apollo Client's relayStylePagination over the lists: every file once, in order, whichever way one pages.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { gql } from '@apollo/client';

import { apollo, watch } from './front/apollo.js';
import { FIFTY, fill, folder } from './front/lists.js';
import { noWarnings } from './front/quiet.js';
import { note } from './front/uploads.js';
import { newUser, upload } from './support.js';

noWarnings();

const PAGE = `
  totalCount
  edges {
    cursor
    node { id name }
  }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
`;
const FILES = gql`
  query Files($parentId: ID, $filter: FileFilter, $orderBy: FileOrder, $first: Int, $after: String, $last: Int, $before: String) {
    files(parentId: $parentId, filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
      ${PAGE}
    }
  }
`;
const MINE = gql`
  query Mine($filter: FileFilter, $orderBy: FileOrder, $first: Int, $after: String, $last: Int, $before: String) {
    viewer {
      id
      files(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
        ${PAGE}
      }
    }
  }
`;
const BY_NAME = { field: 'NAME', direction: 'ASC' };

let owner;
before(async () => {
  owner = await newUser();
  await fill(owner.token);
});

const inFiles = (data) => data.files;
const inViewer = (data) => data.viewer.files;
const names = ({ edges }) => edges.map(({ node }) => node.name);

/** A watched list, one page of it as yet. */
async function listOf(t, query, of, variables, { client, requests } = apollo({ token: owner.token })) {
  const observable = client.watchQuery({ query, variables });
  const seen = watch(observable);
  t.after(seen.stop);
  await seen.until(({ data, dataState }) => dataState === 'complete' && of(data), 'the first page');
  const connection = () => of(seen.last.data);
  const fetchPage = async (variables) => {
    const known = connection().edges.length;
    await observable.fetchMore({ variables });
    await seen.until(({ data }) => of(data).edges.length > known, 'a longer list');
  };
  const forward = () => fetchPage({ after: connection().pageInfo.endCursor });
  // fetchMore keeps the variables that it is not given, and a page has one direction.
  const backward = () => fetchPage({ first: undefined, after: undefined, last: 7, before: connection().pageInfo.startCursor });
  return {
    requests,
    connection,
    shown: () => names(connection()),
    forward,
    backward,
    toTheEnd: () => pageWhile(() => connection().pageInfo.hasNextPage, forward),
    toTheBeginning: () => pageWhile(() => connection().pageInfo.hasPreviousPage, backward),
  };
}

/** Fetches page after page; fails where there is no end of them. */
async function pageWhile(more, fetchPage) {
  for (let pages = 0; more(); pages += 1) {
    assert.ok(pages < 20, 'there is no end of pages');
    await fetchPage();
  }
}

for (const [what, query, of] of [
  ['files', FILES, inFiles],
  ['User.files', MINE, inViewer],
]) {
  test(`${what} forwards: every file once, in order`, async (t) => {
    const list = await listOf(t, query, of, { orderBy: BY_NAME, first: 7 });
    assert.deepEqual(list.shown(), FIFTY.slice(0, 7));
    assert.equal(list.connection().pageInfo.hasPreviousPage, false);
    await list.toTheEnd();
    assert.deepEqual(list.shown(), FIFTY);
    assert.equal(list.connection().totalCount, 50);
    assert.equal(list.requests.length, 8);
  });

  test(`${what} backwards: every file once, in order`, async (t) => {
    const list = await listOf(t, query, of, { orderBy: BY_NAME, last: 7 });
    assert.deepEqual(list.shown(), FIFTY.slice(-7));
    assert.equal(list.connection().pageInfo.hasNextPage, false);
    await list.toTheBeginning();
    assert.deepEqual(list.shown(), FIFTY);
    assert.equal(list.requests.length, 8);
  });
}

test('both ways from a place in the middle', async (t) => {
  const start = await listOf(t, FILES, inFiles, { orderBy: BY_NAME, first: 20 });
  const { endCursor } = start.connection().pageInfo;
  const list = await listOf(t, FILES, inFiles, { orderBy: BY_NAME, first: 7, after: endCursor });
  assert.deepEqual(list.shown(), FIFTY.slice(20, 27));
  assert.equal(list.connection().pageInfo.hasPreviousPage, true);
  await list.forward();
  await list.backward();
  assert.deepEqual(list.shown(), FIFTY.slice(13, 34));
});

test('the default order is newest first, and pages as well', async (t) => {
  const whole = await listOf(t, FILES, inFiles, { first: 100 });
  assert.deepEqual(whole.shown().toSorted(), FIFTY);
  const list = await listOf(t, FILES, inFiles, { first: 7 });
  await list.toTheEnd();
  assert.deepEqual(list.shown(), whole.shown());
});

test('lists by different folders, filters and orders are kept apart while they grow', async (t) => {
  const { token } = await newUser();
  const twenty = FIFTY.slice(0, 20);
  await fill(token, twenty);
  const parentId = await folder(token, 'inner');
  await fill(token, twenty, parentId);
  const tens = twenty.filter((name) => name.includes('-1'));
  const expected = [
    [{ orderBy: BY_NAME, filter: { kinds: ['FILE'] } }, twenty],
    [{ orderBy: BY_NAME, filter: { nameContains: '-1' } }, tens],
    [{ orderBy: BY_NAME, parentId, filter: { nameContains: '-1' } }, tens],
    [{ orderBy: BY_NAME, parentId }, twenty],
    [{ orderBy: { field: 'NAME', direction: 'DESC' }, parentId }, twenty.toReversed()],
  ];
  const front = apollo({ token });
  const all = [];
  for (const [variables] of expected) all.push(await listOf(t, FILES, inFiles, { ...variables, first: 7 }, front));
  // A page of each in turn.
  const unfinished = () => all.filter((list) => list.connection().pageInfo.hasNextPage);
  await pageWhile(
    () => unfinished().length > 0,
    async () => {
      for (const list of unfinished()) await list.forward();
    },
  );
  assert.deepEqual(all.map((list) => list.shown()), expected.map(([, files]) => files));
  assert.equal(front.requests.length, 3 + 2 + 2 + 3 + 3);
});

test('what is uploaded while one pages neither shifts nor repeats a row', async (t) => {
  const { token } = await newUser();
  const twenty = FIFTY.slice(0, 20);
  await fill(token, twenty);
  const list = await listOf(t, FILES, inFiles, { first: 7 }, apollo({ token }));
  await pageWhile(
    () => list.connection().pageInfo.hasNextPage,
    async () => {
      await upload(token, 'late.txt', note());
      await list.forward();
    },
  );
  assert.deepEqual(list.shown().toSorted(), twenty);
});

test('an empty folder is one empty page, and a folder that there is not is null', async (t) => {
  const { token } = await newUser();
  const parentId = await folder(token, 'empty');
  const list = await listOf(t, FILES, inFiles, { parentId, first: 7 }, apollo({ token }));
  assert.deepEqual(list.shown(), []);
  assert.deepEqual([list.connection().totalCount, list.connection().pageInfo.hasNextPage], [0, false]);

  const { client } = apollo({ token: owner.token });
  const { data } = await client.query({ query: FILES, variables: { parentId, first: 7 } });
  assert.equal(data.files, null);
  assert.deepEqual(client.readQuery({ query: FILES, variables: { parentId, first: 7 } }), { files: null });
});
