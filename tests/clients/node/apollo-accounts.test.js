// Apollo Client: opening accounts, signing in, and telling errors apart by their codes.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { CombinedGraphQLErrors, gql } from '@apollo/client';
import { from, switchMap } from 'rxjs';

import { apollo, codeOf } from './front/apollo.js';
import { noWarnings } from './front/quiet.js';
import { newUser, post, rejection, startServer } from './support.js';

noWarnings();

const REGISTER = gql`
  mutation Register($input: RegisterInput!) {
    register(input: $input) {
      user {
        id
        email
      }
      token
      expiresAt
      userErrors {
        code
        message
        field
      }
    }
  }
`;

const LOGIN = gql`
  mutation Login($input: LoginInput!) {
    login(input: $input) {
      user {
        id
        email
      }
      token
      userErrors {
        code
        message
        field
      }
    }
  }
`;

const VIEWER = gql`
  query Viewer {
    viewer {
      id
      email
    }
  }
`;

const HOME = gql`
  query Home {
    limits {
      uploadBytes
    }
    files {
      totalCount
    }
  }
`;

const person = () => ({ email: `${randomUUID()}@example.org`, password: 'correct horse battery staple' });

test('who registers is signed in with the token of the answer', async () => {
  const { client, session } = apollo();
  const input = person();
  const { data } = await client.mutate({ mutation: REGISTER, variables: { input } });
  assert.deepEqual(data.register.userErrors, []);
  assert.ok(Date.parse(data.register.expiresAt) > Date.now());

  session.token = data.register.token;
  const { data: mine } = await client.query({ query: VIEWER });
  assert.deepEqual(mine.viewer, { __typename: 'User', id: data.register.user.id, email: input.email });
});

test('a login gives a token that is used from then on', async () => {
  const { email, password, id } = await newUser();
  const { client, session } = apollo();
  const { data: before } = await client.query({ query: VIEWER });
  assert.equal(before.viewer, null);

  const { data } = await client.mutate({ mutation: LOGIN, variables: { input: { email, password } } });
  session.token = data.login.token;
  await client.resetStore();
  const { data: after } = await client.query({ query: VIEWER });
  assert.equal(after.viewer.id, id);
});

test('a wrong password is a user error and no error of the request', async () => {
  const { email } = await newUser();
  const { client } = apollo();
  const input = { email, password: 'wrong horse battery staple' };
  const { data, error } = await client.mutate({ mutation: LOGIN, variables: { input } });
  assert.equal(error, undefined);
  assert.equal(data.login.user, null);
  assert.equal(data.login.token, null);
  assert.deepEqual(data.login.userErrors.map(({ code }) => code), ['INVALID_CREDENTIALS']);
});

test('a bad password says in which field of the form the fault lies', async () => {
  const { client } = apollo();
  const input = { ...person(), password: 'short' };
  const { data } = await client.mutate({ mutation: REGISTER, variables: { input } });
  assert.deepEqual(
    data.register.userErrors.map(({ code, field }) => ({ code, field })),
    [{ code: 'BAD_USER_INPUT', field: ['input', 'password'] }],
  );
});

test('a stranger gets the fields that are for everybody, and UNAUTHENTICATED for the others', async () => {
  const handled = [];
  const { client } = apollo({}, { onError: ({ error }) => void handled.push(codeOf(error)) });
  const { data, error } = await client.query({ query: HOME, errorPolicy: 'all' });
  assert.ok(data.limits.uploadBytes > 0);
  assert.equal(data.files, null);
  assert.equal(codeOf(error), 'UNAUTHENTICATED');
  assert.deepEqual(error.errors[0].path, ['files']);
  assert.deepEqual(handled, ['UNAUTHENTICATED']);
});

test('an error link signs in again when the session has ended, and nobody notices', async () => {
  const user = await newUser();
  const signIn = () => post(LOGIN.loc.source.body, { input: { email: user.email, password: user.password } });
  const { client, requests, session } = apollo(
    { token: user.token },
    {
      onError: ({ error, operation, forward }) => {
        if (!CombinedGraphQLErrors.is(error) || codeOf(error) !== 'UNAUTHENTICATED') return undefined;
        return from(signIn()).pipe(
          switchMap(({ data }) => {
            session.token = data.login.token;
            return forward(operation);
          }),
        );
      },
    },
  );
  await post('mutation { logout { userErrors { code } } }', {}, user.token);

  const { data } = await client.query({ query: HOME });
  assert.equal(data.files.totalCount, 0);
  assert.equal(requests.length, 2);
  assert.notEqual(session.token, user.token);
});

test('a document that does not fit the schema is a GraphQL error, whatever the status of the answer', async () => {
  const { client, requests } = apollo();
  const error = await rejection(client.query({ query: gql`query { nothingOfTheKind }` }));
  assert.equal(codeOf(error), 'GRAPHQL_VALIDATION_FAILED');
  assert.equal(requests[0].status, 400);
});

test('a malformed value is BAD_USER_INPUT', async () => {
  const { token } = await newUser();
  const { client } = apollo({ token });
  const query = gql`
    query ($after: String) {
      files(first: 2, after: $after) {
        totalCount
      }
    }
  `;
  const error = await rejection(client.query({ query, variables: { after: 'made up' } }));
  assert.equal(codeOf(error), 'BAD_USER_INPUT');
});

test('every error names the request it belongs to', async () => {
  const { client } = apollo();
  const { error: ofField } = await client.query({ query: HOME, errorPolicy: 'all' });
  const ofRequest = await rejection(client.query({ query: gql`query { nothingOfTheKind }` }));
  for (const error of [ofField, ofRequest]) {
    assert.match(error.errors[0].extensions.requestId, /^\S{8,}$/);
  }
});

test('in production an error has its code and its request ID, and neither suggestion nor introspection', async (t) => {
  const production = await startServer({ settings: { 'server.mode': 'production' } });
  t.after(() => production.stop());
  const { client } = apollo({}, { uri: production.graphqlUrl });
  const misspelt = await rejection(client.query({ query: gql`query { limitz { uploadBytes } }` }));
  assert.equal(codeOf(misspelt), 'GRAPHQL_VALIDATION_FAILED');
  assert.doesNotMatch(misspelt.message, /limits/);
  const introspection = await rejection(client.query({ query: gql`query { __schema { queryType { name } } }` }));
  assert.equal(codeOf(introspection), 'GRAPHQL_VALIDATION_FAILED');
  const { error: foreign } = await client.query({ query: HOME, errorPolicy: 'all' });
  assert.equal(codeOf(foreign), 'UNAUTHENTICATED');
  for (const error of [misspelt, introspection, foreign]) {
    assert.match(error.errors[0].extensions.requestId, /^\S{8,}$/);
  }
});

test('too many tries say when to come back', async (t) => {
  const strict = await startServer({ settings: { 'accounts.login_tries_pair': 2 } });
  t.after(() => strict.stop());
  const { client } = apollo({}, { uri: strict.graphqlUrl });
  const input = person();
  const login = () => client.mutate({ mutation: LOGIN, variables: { input } });
  for (let tries = 0; tries < 2; tries += 1) {
    assert.equal((await login()).data.login.userErrors[0].code, 'INVALID_CREDENTIALS');
  }
  const error = await rejection(login());
  assert.equal(codeOf(error), 'RATE_LIMITED');
  assert.ok(error.errors[0].extensions.retryAfter > 0);
});
