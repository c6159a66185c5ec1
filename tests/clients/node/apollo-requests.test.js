// Apollo Client over HTTP: GET, persisted queries, and requests that a browser would send without asking first.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import UploadHttpLink from 'apollo-upload-client/UploadHttpLink.mjs';

import { apollo, cacheSettings, codeOf } from './front/apollo.js';
import { RENAME, notes } from './front/lists.js';
import { noWarnings } from './front/quiet.js';
import { traffic } from './front/traffic.js';
import { UPLOAD_FILE, note } from './front/uploads.js';
import { bearer, graphqlUrl, newUser, rejection } from './support.js';

noWarnings();

const FILE = gql`
  query File($id: ID!, $orderBy: FileOrder) {
    file(id: $id) {
      id
      name
    }
    files(first: 2, orderBy: $orderBy) {
      totalCount
    }
  }
`;
const orderBy = { field: 'NAME', direction: 'ASC' };

for (const [what, link] of [
  ['HttpLink', HttpLink],
  ['UploadHttpLink', UploadHttpLink],
]) {
  test(`${what}: queries go by GET, mutations by POST`, async () => {
    const { token } = await newUser();
    const [id] = await notes(token, ['süß & 請.txt']);
    const { fetch, requests } = traffic();
    const client = new ApolloClient({
      cache: new InMemoryCache(cacheSettings),
      link: new link({ uri: graphqlUrl, fetch, headers: bearer(token), useGETForQueries: true }),
    });
    const { data } = await client.query({ query: FILE, variables: { id, orderBy } });
    assert.deepEqual([data.file.name, data.files.totalCount], ['süß & 請.txt', 1]);
    const variables = { input: { fileId: id, name: 'new name.txt' } };
    const renamed = await client.mutate({ mutation: gql(RENAME), variables });
    assert.equal(renamed.data.rename.file.name, 'new name.txt');
    assert.deepEqual(requests.map(({ method }) => method), ['GET', 'POST']);
  });
}

test('a query by GET fails with the same codes as by POST', async () => {
  const { client, requests } = apollo({}, { http: { useGETForQueries: true } });
  const query = gql`query { limits { pageSize } files { totalCount } }`;
  const { data, error } = await client.query({ query, errorPolicy: 'all' });
  assert.equal(codeOf(error), 'UNAUTHENTICATED');
  assert.equal(data.limits.pageSize, 100);
  const invalid = await rejection(client.query({ query: gql`query { nothingOfTheKind }` }));
  assert.equal(codeOf(invalid), 'GRAPHQL_VALIDATION_FAILED');
  assert.deepEqual(requests.map(({ method }) => method), ['GET', 'GET']);
});

const sha256 = (query) => createHash('sha256').update(query).digest('hex');

for (const useGETForHashedQueries of [false, true]) {
  const by = useGETForHashedQueries ? 'GET' : 'POST';
  test(`a hash instead of a query, by ${by}, is answered so that the client sends queries from then on`, async () => {
    const { token } = await newUser();
    const [id] = await notes(token, ['a.txt']);
    const before = [new PersistedQueryLink({ sha256, useGETForHashedQueries })];
    const { client, requests } = apollo({ token }, { before });
    const { data } = await client.query({ query: FILE, variables: { id, orderBy } });
    assert.equal(data.file.name, 'a.txt');
    const asked = requests.map(({ method, query, extensions }) => [
      method,
      query !== undefined,
      extensions?.persistedQuery?.sha256Hash?.length,
    ]);
    assert.deepEqual(asked, [
      [by, false, 64],
      ['POST', true, undefined],
    ]);

    const renamed = await client.mutate({ mutation: gql(RENAME), variables: { input: { fileId: id, name: 'b.txt' } } });
    assert.equal(renamed.data.rename.file.name, 'b.txt');
    assert.equal(requests.length, 3, 'the client has learnt that there are no persisted queries');
  });
}

test('an upload without a header that browsers ask leave for is refused with a clear error', async () => {
  const { client, requests } = apollo({}, { http: { headers: {} } });
  const error = await rejection(client.mutate({ mutation: gql(UPLOAD_FILE), variables: { file: note() } }));
  assert.equal(codeOf(error), 'BAD_REQUEST');
  assert.match(error.message, /Apollo-Require-Preflight/);
  assert.equal(requests[0].status, 400);
});

test('with a token an upload needs no other header', async () => {
  const { token } = await newUser();
  const { client } = apollo({ token }, { http: { headers: {} } });
  const { data } = await client.mutate({ mutation: gql(UPLOAD_FILE), variables: { file: note() } });
  assert.deepEqual(data.upload.userErrors, []);
});

test('answers come in the media type of GraphQL over HTTP, which Apollo asks for first', async () => {
  const { client, requests } = apollo();
  await client.query({ query: gql`query { limits { pageSize } }` });
  assert.match(requests[0].contentType, /^application\/graphql-response\+json/);
});
