// The schema by the rules of @graphql-eslint: Relay's, and its recommended ones.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';

import graphql from '@graphql-eslint/eslint-plugin';
import { ESLint } from 'eslint';

import { root } from '../servers.js';

const schema = join(root, 'schema.graphql');

/** The problems that these rules find in schema.graphql, or in another text. */
async function problems(rules, text = undefined) {
  const linter = new ESLint({
    cwd: root,
    ignore: false,
    overrideConfigFile: true,
    overrideConfig: {
      files: ['**/*.graphql'],
      languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: text ?? schema } } },
      plugins: { '@graphql-eslint': graphql },
      rules,
    },
  });
  const results = text ? await linter.lintText(text, { filePath: schema }) : await linter.lintFiles([schema]);
  assert.equal(results.length, 1);
  return results[0].messages.map(({ line, ruleId, message }) => `${line}: ${message} (${ruleId})`);
}

const relay = {
  '@graphql-eslint/relay-arguments': ['error', { includeBoth: true }],
  '@graphql-eslint/relay-connection-types': 'error',
  // Lists of other things than edges are fine where no paging is wanted, e.g. userErrors.
  '@graphql-eslint/relay-edge-types': ['error', { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false }],
  '@graphql-eslint/relay-page-info': 'error',
};

/** Types that are parts of others, and never stand in a cache by themselves. */
const parts = ['Limits', 'PageInfo', 'Thumbnail', 'Usage', 'UserError'];

const others = {
  ...graphql.configs['flat/schema-recommended'].rules,
  // One line or several, as the text is long.
  '@graphql-eslint/description-style': 'off',
  // The name of an input ends in Input.
  '@graphql-eslint/input-name': ['error', { checkInputType: true, caseSensitiveInputType: false }],
  '@graphql-eslint/no-scalar-result-type-on-mutation': 'error',
  '@graphql-eslint/require-description': [
    'error',
    {
      types: true,
      rootField: true,
      DirectiveDefinition: true,
      EnumValueDefinition: true,
      FieldDefinition: true,
      InputValueDefinition: false,
    },
  ],
  '@graphql-eslint/strict-id-in-types': [
    'error',
    {
      acceptedIdNames: ['id'],
      acceptedIdTypes: ['ID'],
      exceptions: { types: parts, suffixes: ['Connection', 'Edge', 'Payload'] },
    },
  ],
};

test('the schema follows the rules of Relay', async () => {
  assert.equal((await problems(relay)).join('\n'), '');
});

test('the schema follows the recommended rules', async () => {
  assert.equal((await problems(others)).join('\n'), '');
});

test('the rules would find what is wrong', async () => {
  const wrong = `
    type Query { things: ThingConnection }
    type ThingConnection { edges: [ThingEdge] pageInfo: PageInfo }
    type ThingEdge { node: Thing }
    type Thing { name: String }
    type PageInfo { hasNextPage: Boolean }
  `;
  const found = await problems({ ...relay, ...others }, wrong);
  for (const rule of [...Object.keys(relay), '@graphql-eslint/require-description']) {
    assert(found.some((problem) => problem.includes(`(${rule})`)), `${rule} found nothing`);
  }
});
