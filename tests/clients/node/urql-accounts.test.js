// urql: opening accounts, signing in, and telling errors apart by their codes.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { cacheExchange, mapExchange } from '@urql/core';

import { noWarnings } from './front/quiet.js';
import { codeOf, urql } from './front/urql.js';
import { newUser, post, startServer } from './support.js';

noWarnings();

const REGISTER = `
  mutation Register($input: RegisterInput!) {
    register(input: $input) {
      user { id email }
      token
      expiresAt
      userErrors { code message field }
    }
  }
`;

const LOGIN = `
  mutation Login($input: LoginInput!) {
    login(input: $input) {
      user { id email }
      token
      userErrors { code message field }
    }
  }
`;

const VIEWER = 'query Viewer { viewer { id email } }';

const HOME = 'query Home { limits { uploadBytes } files { totalCount } }';

const person = () => ({ email: `${randomUUID()}@example.org`, password: 'correct horse battery staple' });

test('who registers is signed in with the token of the answer', async () => {
  const { client, session } = urql();
  const input = person();
  const { data } = await client.mutation(REGISTER, { input });
  assert.deepEqual(data.register.userErrors, []);
  assert.ok(Date.parse(data.register.expiresAt) > Date.now());

  session.token = data.register.token;
  const { data: mine } = await client.query(VIEWER);
  assert.deepEqual([mine.viewer.id, mine.viewer.email], [data.register.user.id, input.email]);
});

test('a login gives a token that is used from then on', async () => {
  const { email, password, id } = await newUser();
  const { client, session } = urql();
  const { data: before } = await client.query(VIEWER);
  assert.equal(before.viewer, null);

  const { data } = await client.mutation(LOGIN, { input: { email, password } });
  session.token = data.login.token;
  const { data: after } = await client.query(VIEWER, {}, { requestPolicy: 'network-only' });
  assert.equal(after.viewer.id, id);
});

test('a wrong password is a user error and no error of the request', async () => {
  const { email } = await newUser();
  const { client } = urql();
  const { data, error } = await client.mutation(LOGIN, { input: { email, password: 'wrong horse battery staple' } });
  assert.equal(error, undefined);
  assert.deepEqual([data.login.user, data.login.token], [null, null]);
  assert.deepEqual(data.login.userErrors.map(({ code }) => code), ['INVALID_CREDENTIALS']);
});

test('a bad password says in which field of the form the fault lies', async () => {
  const { client } = urql();
  const { data } = await client.mutation(REGISTER, { input: { ...person(), password: 'short' } });
  assert.deepEqual(
    data.register.userErrors.map(({ code, field }) => ({ code, field })),
    [{ code: 'BAD_USER_INPUT', field: ['input', 'password'] }],
  );
});

for (const [what, settings] of [
  ['the normalised cache', {}],
  ['the document cache', { cache: cacheExchange }],
]) {
  test(`${what}: a stranger gets the fields that are for everybody, and UNAUTHENTICATED for the others`, async () => {
    const handled = [];
    const before = [mapExchange({ onError: (error) => void handled.push(codeOf(error)) })];
    const { client } = urql({}, { ...settings, before });
    const { data, error } = await client.query(HOME);
    assert.ok(data.limits.uploadBytes > 0);
    assert.equal(data.files, null);
    assert.equal(codeOf(error), 'UNAUTHENTICATED');
    assert.deepEqual(error.graphQLErrors[0].path, ['files']);
    assert.deepEqual(handled, ['UNAUTHENTICATED']);
  });
}

test('a session that has ended shows by its code, and a new login goes on', async () => {
  const user = await newUser();
  const { client, session } = urql({ token: user.token });
  await post('mutation { logout { userErrors { code } } }', {}, user.token);
  const { error } = await client.query(HOME);
  assert.equal(codeOf(error), 'UNAUTHENTICATED');

  const { data } = await client.mutation(LOGIN, { input: { email: user.email, password: user.password } });
  session.token = data.login.token;
  const home = await client.query(HOME, {}, { requestPolicy: 'network-only' });
  assert.equal(home.error, undefined);
  assert.equal(home.data.files.totalCount, 0);
});

test('a document that does not fit the schema is a GraphQL error, whatever the status of the answer', async () => {
  // The normalised cache would warn of the field by itself.
  const { client, requests } = urql({}, { cache: cacheExchange });
  const { error } = await client.query('{ nothingOfTheKind }');
  assert.equal(codeOf(error), 'GRAPHQL_VALIDATION_FAILED');
  assert.equal(requests[0].status, 400);
});

test('a malformed value is BAD_USER_INPUT', async () => {
  const { token } = await newUser();
  const { client } = urql({ token });
  const { error } = await client.query('query ($after: String) { files(after: $after) { totalCount } }', { after: 'made up' });
  assert.equal(codeOf(error), 'BAD_USER_INPUT');
});

test('in production an error has its code and its request ID, and neither suggestion nor introspection', async (t) => {
  const production = await startServer({ settings: { 'server.mode': 'production' } });
  t.after(() => production.stop());
  const { client } = urql({}, { uri: production.graphqlUrl, cache: cacheExchange });
  const errorOf = async (query) => (await client.query(query)).error;
  const misspelt = await errorOf('{ limitz { uploadBytes } }');
  assert.equal(codeOf(misspelt), 'GRAPHQL_VALIDATION_FAILED');
  assert.doesNotMatch(misspelt.message, /limits/);
  const introspection = await errorOf('{ __schema { queryType { name } } }');
  assert.equal(codeOf(introspection), 'GRAPHQL_VALIDATION_FAILED');
  const foreign = await errorOf(HOME);
  assert.equal(codeOf(foreign), 'UNAUTHENTICATED');
  for (const error of [misspelt, introspection, foreign]) {
    assert.match(error.graphQLErrors[0].extensions.requestId, /^\S{8,}$/);
  }
});

test('too many tries say when to come back', async (t) => {
  const strict = await startServer({ settings: { 'accounts.login_tries_pair': 2 } });
  t.after(() => strict.stop());
  const { client } = urql({}, { uri: strict.graphqlUrl });
  const login = (input) => client.mutation(LOGIN, { input });
  const input = person();
  for (let tries = 0; tries < 2; tries += 1) {
    assert.equal((await login(input)).data.login.userErrors[0].code, 'INVALID_CREDENTIALS');
  }
  const { error } = await login(input);
  assert.equal(codeOf(error), 'RATE_LIMITED');
  assert.ok(error.graphQLErrors[0].extensions.retryAfter > 0);
});
