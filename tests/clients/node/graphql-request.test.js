// The client of the package graphql-request.

import assert from 'node:assert/strict';
import test from 'node:test';

import { ClientError, GraphQLClient, gql, rawRequest, request } from 'graphql-request';

import { bearer, graphqlUrl, newUser, post, rejection, startServer, text, upload } from './support.js';

const client = (token, options = {}, url = graphqlUrl) => new GraphQLClient(url, { headers: bearer(token), ...options });

const VIEWER = gql`
  query Viewer {
    viewer {
      id
      email
    }
  }
`;
const FOLDER = gql`
  mutation MakeFolder($input: CreateFolderInput!) {
    createFolder(input: $input) {
      folder {
        id
        name
        isPublic
      }
      userErrors {
        code
        field
      }
    }
  }
`;
const FILES = gql`
  query Files($first: Int, $orderBy: FileOrder) {
    files(first: $first, orderBy: $orderBy) {
      totalCount
      nodes {
        name
      }
    }
  }
`;

/** The code of the first error, as callers of this client look it up. */
const code = (error) => {
  assert(error instanceof ClientError, String(error));
  return error.response.errors[0].extensions.code;
};

test('operations run in the name of the token, with their variables', async () => {
  const user = await newUser();
  const api = client(user.token);
  assert.deepEqual(await api.request(VIEWER), { viewer: { id: user.id, email: user.email } });
  for (const name of ['b', 'a', 'Ü 🐘 "quoted"']) {
    const { createFolder } = await api.request(FOLDER, { input: { name } });
    assert.deepEqual([createFolder.folder.name, createFolder.userErrors], [name, []]);
  }
  const byName = { first: 2, orderBy: { field: 'NAME', direction: 'ASC' } };
  const { files } = await api.request(FILES, byName);
  assert.deepEqual(files, { totalCount: 3, nodes: [{ name: 'a' }, { name: 'b' }] });
});

test('a token can be set, and headers can be sent with one request', async () => {
  const [one, other] = await Promise.all([newUser(), newUser()]);
  const api = new GraphQLClient(graphqlUrl);
  assert.deepEqual(await api.request(VIEWER), { viewer: null });
  api.setHeader('authorization', `Bearer ${one.token}`);
  assert.equal((await api.request(VIEWER)).viewer.id, one.id);
  assert.equal((await api.request(VIEWER, {}, bearer(other.token))).viewer.id, other.id);
  assert.equal((await request(graphqlUrl, VIEWER, {}, bearer(other.token))).viewer.id, other.id);
});

test('what a user can put right is data, and no error', async () => {
  const { token } = await newUser();
  const { createFolder } = await client(token).request(FOLDER, { input: { name: 'a/b' } });
  const userErrors = [{ code: 'BAD_USER_INPUT', field: ['input', 'name'] }];
  assert.deepEqual(createFolder, { folder: null, userErrors });
});

test('an error is a ClientError with a code, and the data that there is', async () => {
  const anybody = client(undefined);
  const failed = await rejection(anybody.request('{ files { totalCount } limits { pageSize } }'));
  assert.equal(code(failed), 'UNAUTHENTICATED');
  assert.equal(failed.response.status, 200);
  assert.deepEqual(failed.response.data, { files: null, limits: { pageSize: 100 } });
  for (const [query, variables, expected] of [
    ['{ viewer', {}, 'GRAPHQL_PARSE_FAILED'],
    ['{ nonsense }', {}, 'GRAPHQL_VALIDATION_FAILED'],
    [FOLDER, {}, 'BAD_USER_INPUT'],
    [FOLDER, { input: { name: 1 } }, 'BAD_USER_INPUT'],
    [FILES, { orderBy: { field: 'COLOUR', direction: 'ASC' } }, 'BAD_USER_INPUT'],
  ]) {
    const refused = await rejection(anybody.request(query, variables));
    assert.equal(code(refused), expected, query);
    // It asks for application/graphql-response+json, whose status tells of request errors.
    assert.equal(refused.response.status, 400);
    assert.equal(refused.response.data, undefined);
    assert(refused.response.errors[0].extensions.requestId);
  }
});

test('the caller may have data and errors side by side', async () => {
  const query = '{ files { totalCount } limits { pageSize } }';
  const { data, errors } = await client(undefined, { errorPolicy: 'all' }).rawRequest(query);
  assert.deepEqual(data.limits, { pageSize: 100 });
  assert.equal(errors.length, 1);
  assert.deepEqual(await client(undefined, { errorPolicy: 'ignore' }).request(query), data);
});

test('a raw request shows status and headers', async () => {
  const { id, token } = await newUser();
  const { data, errors, headers, status } = await client(token).rawRequest(VIEWER);
  assert.deepEqual([data.viewer.id, errors, status], [id, undefined, 200]);
  assert.match(headers.get('content-type'), /^application\/graphql-response\+json/);
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.equal((await rawRequest(graphqlUrl, VIEWER, {}, bearer(token))).data.viewer.id, id);
});

test('queries may go by GET; a mutation of the same client goes by POST', async () => {
  const { id, token } = await newUser();
  const methods = [];
  const api = client(token, { method: 'GET', fetch: (url, init) => (methods.push(init.method), fetch(url, init)) });
  assert.equal((await api.request(VIEWER)).viewer.id, id);
  assert.deepEqual((await api.request(FOLDER, { input: { name: 'a' } })).createFolder.userErrors, []);
  const variables = { first: 1, orderBy: { field: 'NAME', direction: 'ASC' } };
  assert.equal((await api.request(FILES, variables)).files.totalCount, 1);
  assert.deepEqual(methods, ['GET', 'POST', 'GET']);
});

test('a mutation that is sent by GET all the same changes nothing', async () => {
  const { token } = await newUser();
  const url = `${graphqlUrl}?${new URLSearchParams({ query: 'mutation { createFolder(input: { name: "a" }) { folder { id } } }' })}`;
  const answer = await fetch(url, { headers: bearer(token) });
  assert.equal(answer.status, 405);
  assert.equal(answer.headers.get('allow'), 'POST');
  assert.equal((await client(token).request(FILES)).files.totalCount, 0);
});

test('a request can be aborted, and the client goes on', async () => {
  const { id, token } = await newUser();
  const api = client(token);
  const aborting = new AbortController();
  const aborted = rejection(api.request({ document: VIEWER, signal: aborting.signal }));
  aborting.abort();
  assert.equal((await aborted).name, 'AbortError');
  assert.equal((await api.request(VIEWER)).viewer.id, id);
});

test('batches are refused by default, with a sentence that says so', async () => {
  const { token } = await newUser();
  const refused = await rejection(client(token).batchRequests([{ document: VIEWER }, { document: FILES }]));
  assert(refused instanceof ClientError);
  assert.equal(refused.response.status, 400);
  assert.equal(refused.response.errors[0].extensions.code, 'BAD_REQUEST');
  assert.match(refused.response.errors[0].message, /batch|several|one operation/i);
});

test('batches are answered in their order where they are allowed, and no longer ones', async () => {
  const server = await startServer({ settings: { 'limits.batch_operations': 10 } });
  const { id, token } = await newUser(server.graphqlUrl);
  await upload(token, 'a.txt', text(), {}, server.graphqlUrl);
  const api = client(token, {}, server.graphqlUrl);
  const documents = [
    { document: VIEWER },
    { document: FOLDER, variables: { input: { name: 'b' } } },
    { document: '{ limits { pageSize } }' },
  ];
  const [viewer, folder, limits] = await api.batchRequests(documents);
  assert.equal(viewer.data.viewer.id, id);
  assert.equal(folder.data.createFolder.folder.name, 'b');
  assert.deepEqual(limits.data, { limits: { pageSize: 100 } });
  // One that fails does not hold back the others.
  const failed = await rejection(api.batchRequests([{ document: VIEWER }, { document: '{ nonsense }' }]));
  assert.equal(failed.response[0].data.viewer.id, id);
  assert.equal(failed.response[1].errors[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');
  const tooMany = await rejection(api.batchRequests(Array.from({ length: 11 }, () => ({ document: VIEWER }))));
  assert.equal(tooMany.response.status, 400);
  assert.equal(code(tooMany), 'BAD_REQUEST');
});

test('a token that was logged out is nobody\'s', async () => {
  const { token } = await newUser();
  await post('mutation { logout { userErrors { code } } }', {}, token);
  assert.deepEqual(await client(token).request(VIEWER), { viewer: null });
  assert.equal(code(await rejection(client(token).request(FILES))), 'UNAUTHENTICATED');
});
