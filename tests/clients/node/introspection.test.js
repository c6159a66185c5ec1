// What tools learn about the schema from the server itself.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';

import {
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  lexicographicSortSchema,
  printSchema,
  validateSchema,
} from 'graphql';

import { root } from '../servers.js';
import { post, startServer } from './support.js';

/** Everything that graphql-js can ask for and that the specification has. */
const everything = {
  descriptions: true,
  specifiedByUrl: true,
  directiveIsRepeatable: true,
  schemaDescription: true,
  inputValueDeprecation: true,
};

const committed = async () => buildSchema(await readFile(join(root, 'schema.graphql'), 'utf8'));

const introspected = async () => {
  const { data, errors } = await post(getIntrospectionQuery(everything));
  assert.equal(errors, undefined);
  return buildClientSchema(data);
};

const code = ({ errors }) => errors?.[0].extensions.code;

test('schema.graphql is a valid schema to graphql-js', async () => {
  assert.deepEqual(validateSchema(await committed()), []);
});

test('introspection gives the schema that is committed', async () => {
  const [there, here] = await Promise.all([introspected(), committed()]);
  // With descriptions, defaults and the URLs of scalars. (Which directives stand on a field, no introspection tells.)
  // async-graphql describes every schema in the same words; ours has no description.
  there.description = here.description;
  const [lines, others] = [there, here].map((schema) => printSchema(lexicographicSortSchema(schema)).split('\n'));
  assert.deepEqual(lines.filter((line) => !others.includes(line)), []);
  assert.deepEqual(others.filter((line) => !lines.includes(line)), []);
  assert.deepEqual(lines, others);
});

test('in production mode there is no introspection', async () => {
  const server = await startServer({ settings: { 'server.mode': 'production' } });
  const ask = (query) => post(query, {}, undefined, server.graphqlUrl);
  for (const query of [
    getIntrospectionQuery(everything),
    '{ __schema { queryType { name } } }',
    '{ __type(name: "File") { name } }',
    'query { ...Q } fragment Q on Query { s: __schema { queryType { name } } }',
  ]) {
    const answer = await ask(query);
    assert.equal(code(answer), 'GRAPHQL_VALIDATION_FAILED', JSON.stringify(answer));
    assert.doesNotMatch(JSON.stringify(answer), /"queryType":\{|"name":/);
  }
  // Clients add this to every selection.
  assert.deepEqual((await ask('{ __typename limits { __typename } }')).data, {
    __typename: 'Query',
    limits: { __typename: 'Limits' },
  });
});

test('errors suggest names in development mode, and none in production mode', async () => {
  const server = await startServer({ settings: { 'server.mode': 'production' } });
  const suggestion = /did you mean|nodes|limits|FileFilter/i;
  let suggested = 0;
  for (const query of [
    '{ files { nod } }',
    '{ files { node } }',
    '{ limit { pageSize } }',
    'query ($filter: FileFilte) { files(filter: $filter) { totalCount } }',
    '{ files(filtr: {}) { totalCount } }',
  ]) {
    const development = await post(query);
    assert.equal(code(development), 'GRAPHQL_VALIDATION_FAILED', JSON.stringify(development));
    if (development.errors.some(({ message }) => suggestion.test(message))) suggested++;
    const production = await post(query, {}, undefined, server.graphqlUrl);
    assert.equal(code(production), 'GRAPHQL_VALIDATION_FAILED', JSON.stringify(production));
    for (const { message } of production.errors) assert.doesNotMatch(message, suggestion);
  }
  // Or else the above would show nothing.
  assert(suggested > 0, 'nothing is suggested in development mode either');
});

test('in production mode there is no page at /', async () => {
  const server = await startServer({ settings: { 'server.mode': 'production' } });
  const answer = await fetch(server.url, { headers: { accept: 'text/html' } });
  assert.equal(answer.status, 404);
  assert.doesNotMatch(await answer.text(), /<html|graphiql|explorer/i);
});
