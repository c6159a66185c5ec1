// urql over HTTP: GET, POST, and what it accepts as answers.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { RENAME, notes } from './front/lists.js';
import { noWarnings } from './front/quiet.js';
import { codeOf, urql } from './front/urql.js';
import { newUser } from './support.js';

noWarnings();

const FILE = `
  query File($id: ID!, $orderBy: FileOrder) {
    file(id: $id) { id name }
    files(first: 2, orderBy: $orderBy) { totalCount }
  }
`;
const orderBy = { field: 'NAME', direction: 'ASC' };

for (const [what, preferGetMethod, methods] of [
  ['by itself urql asks short queries by GET', undefined, ['GET', 'POST']],
  ['urql asks every query by GET if it shall', 'force', ['GET', 'POST']],
  ['urql asks queries by POST if it shall', false, ['POST', 'POST']],
]) {
  test(`${what}, and mutations are sent by POST`, async () => {
    const { token } = await newUser();
    const [id] = await notes(token, ['süß & 請.txt']);
    const { client, requests } = urql({ token }, preferGetMethod === undefined ? {} : { preferGetMethod });
    const { data } = await client.query(FILE, { id, orderBy });
    assert.deepEqual([data.file.name, data.files.totalCount], ['süß & 請.txt', 1]);
    const renamed = await client.mutation(RENAME, { input: { fileId: id, name: 'new name.txt' } });
    assert.equal(renamed.data.rename.file.name, 'new name.txt');
    assert.deepEqual(requests.map(({ method }) => method), methods);
  });
}

test('a query that is too long for a URL goes by POST, by GET it is answered as well', async () => {
  const { token } = await newUser();
  const [id] = await notes(token, ['a.txt']);
  const filter = { nameContains: 'a', sha256: undefined, kinds: Array(300).fill('FILE') };
  const query = 'query Long($filter: FileFilter) { files(first: 2, filter: $filter) { nodes { id name } } }';
  for (const [preferGetMethod, method] of [
    [true, 'POST'],
    ['force', 'GET'],
  ]) {
    const { client, requests } = urql({ token }, { preferGetMethod });
    const { data, error } = await client.query(query, { filter });
    assert.equal(error, undefined);
    assert.deepEqual(data.files.nodes.map((file) => file.id), [id]);
    assert.deepEqual(requests.map((request) => request.method), [method]);
  }
});

test('a query by GET fails with the same codes as by POST', async () => {
  for (const preferGetMethod of ['force', false]) {
    const { client } = urql({}, { preferGetMethod });
    const { data, error } = await client.query('{ limits { pageSize } files { totalCount } }');
    assert.equal(codeOf(error), 'UNAUTHENTICATED');
    assert.match(error.graphQLErrors[0].extensions.requestId, /^\S{8,}$/);
    assert.equal(data.limits.pageSize, 100);
  }
});

test('of all that urql accepts for one answer, it gets the media type of GraphQL over HTTP', async () => {
  for (const preferGetMethod of ['force', false]) {
    const { client, requests } = urql({}, { preferGetMethod });
    const { error } = await client.query('{ limits { pageSize } }');
    assert.equal(error, undefined);
    assert.match(requests[0].contentType, /^application\/graphql-response\+json/);
  }
});
