// urql's relayPagination over the lists: every file once, in order, whichever way one pages.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { FIFTY, fill, folder } from './front/lists.js';
import { noWarnings } from './front/quiet.js';
import { note } from './front/uploads.js';
import { urql, watch } from './front/urql.js';
import { newUser, upload } from './support.js';

noWarnings();

const PAGE = `
  totalCount
  edges { cursor node { id name } }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
`;
const FILES = `
  query Files($parentId: ID, $filter: FileFilter, $orderBy: FileOrder, $first: Int, $after: String, $last: Int, $before: String) {
    files(parentId: $parentId, filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
      ${PAGE}
    }
  }
`;
const MINE = `
  query Mine($filter: FileFilter, $orderBy: FileOrder, $first: Int, $after: String, $last: Int, $before: String) {
    viewer {
      id
      files(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) { ${PAGE} }
    }
  }
`;
const BY_NAME = { field: 'NAME', direction: 'ASC' };

let owner;
before(async () => {
  owner = await newUser();
  await fill(owner.token);
});

const inFiles = (data) => data?.files;
const inViewer = (data) => data?.viewer?.files;
const names = ({ edges }) => edges.map(({ node }) => node.name);

/** A list that starts with one page; every answer shows all pages that are known. `conditions` are not about paging. */
async function listOf(query, of, conditions, page, { client, requests } = urql({ token: owner.token })) {
  let connection;
  const fetchPage = async (page) => {
    const { data, error } = await client.query(query, { ...conditions, ...page });
    assert.equal(error, undefined);
    connection = of(data);
  };
  await fetchPage(page);
  const forward = () => fetchPage({ first: 7, after: connection.pageInfo.endCursor });
  const backward = () => fetchPage({ last: 7, before: connection.pageInfo.startCursor });
  return {
    requests,
    connection: () => connection,
    shown: () => names(connection),
    forward,
    backward,
    toTheEnd: () => pageWhile(() => connection.pageInfo.hasNextPage, forward),
    toTheBeginning: () => pageWhile(() => connection.pageInfo.hasPreviousPage, backward),
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
  test(`${what} forwards: every file once, in order`, async () => {
    const list = await listOf(query, of, { orderBy: BY_NAME }, { first: 7 });
    assert.deepEqual(list.shown(), FIFTY.slice(0, 7));
    assert.equal(list.connection().pageInfo.hasPreviousPage, false);
    await list.toTheEnd();
    assert.deepEqual(list.shown(), FIFTY);
    assert.equal(list.connection().totalCount, 50);
    assert.equal(list.requests.length, 8);
  });

  test(`${what} backwards: every file once, in order`, async () => {
    const list = await listOf(query, of, { orderBy: BY_NAME }, { last: 7 });
    assert.deepEqual(list.shown(), FIFTY.slice(-7));
    assert.equal(list.connection().pageInfo.hasNextPage, false);
    await list.toTheBeginning();
    assert.deepEqual(list.shown(), FIFTY);
    assert.equal(list.requests.length, 8);
  });
}

test('who watches the first page sees the list grow', async (t) => {
  const front = urql({ token: owner.token });
  const first = watch(front.client.query(FILES, { orderBy: BY_NAME, first: 7 }));
  t.after(first.stop);
  await first.until(({ data }) => inFiles(data), 'the first page');
  const list = await listOf(FILES, inFiles, { orderBy: BY_NAME }, { first: 7 }, front);
  await list.toTheEnd();
  await first.until(({ data }) => inFiles(data).edges.length === 50, 'all files');
  assert.equal(front.requests.length, 8);
});

test('a list may begin in the middle', async () => {
  const { connection } = await listOf(FILES, inFiles, { orderBy: BY_NAME }, { first: 20 });
  const { endCursor } = connection().pageInfo;
  const list = await listOf(FILES, inFiles, { orderBy: BY_NAME }, { first: 7, after: endCursor });
  assert.deepEqual(list.shown(), FIFTY.slice(20, 27));
  await list.forward();
  assert.deepEqual(list.shown(), FIFTY.slice(20, 34));
});

test('the default order is newest first, and pages as well', async () => {
  const whole = await listOf(FILES, inFiles, {}, { first: 100 });
  assert.deepEqual(whole.shown().toSorted(), FIFTY);
  const list = await listOf(FILES, inFiles, {}, { first: 7 });
  await list.toTheEnd();
  assert.deepEqual(list.shown(), whole.shown());
});

test('lists by different folders, filters and orders are kept apart while they grow', async () => {
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
  const front = urql({ token });
  const all = [];
  for (const [conditions] of expected) all.push(await listOf(FILES, inFiles, conditions, { first: 7 }, front));
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

test('what is uploaded while one pages neither shifts nor repeats a row', async () => {
  const { token } = await newUser();
  const twenty = FIFTY.slice(0, 20);
  await fill(token, twenty);
  const list = await listOf(FILES, inFiles, {}, { first: 7 }, urql({ token }));
  await pageWhile(
    () => list.connection().pageInfo.hasNextPage,
    async () => {
      await upload(token, 'late.txt', note());
      await list.forward();
    },
  );
  assert.deepEqual(list.shown().toSorted(), twenty);
});

test('an empty folder is one empty page, and a folder that there is not is null', async () => {
  const { token } = await newUser();
  const parentId = await folder(token, 'empty');
  const list = await listOf(FILES, inFiles, { parentId }, { first: 7 }, urql({ token }));
  assert.deepEqual(list.shown(), []);
  assert.deepEqual([list.connection().totalCount, list.connection().pageInfo.hasNextPage], [0, false]);

  const stranger = await listOf(FILES, inFiles, { parentId }, { first: 7 });
  assert.equal(stranger.connection(), null);
});

test('a list that is asked for without any argument is not lost', async () => {
  const { client, requests } = urql({ token: owner.token });
  const query = '{ files { totalCount nodes { id } } }';
  const { data } = await client.query(query, {});
  assert.deepEqual([data.files.totalCount, data.files.nodes.length], [50, 20]);
  await client.query(query, {});
  assert.equal(requests.length, 1);
});
