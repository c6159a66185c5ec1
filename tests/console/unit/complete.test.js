// What can stand at the caret, wherever it is in a document that is not complete.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { complete } from '../../../src/http/console/explorer/complete.js';
import { describe } from '../../../src/http/console/explorer/describe.js';
import { parse } from '../../../src/http/console/explorer/parse.js';
import { marked, schema } from './schema.js';

/** The labels offered at the mark, when somebody asks. */
function offered(marks, isAsked = true) {
  const { text, offset } = marked(marks);
  return complete(parse(text), offset, schema, isAsked).items.map(({ label }) => label);
}

const cases = {
  '|': ['query', 'mutation', 'subscription', 'fragment'],
  '{ vi| }': ['viewer'],
  'query { viewer { us|': ['usage'],
  'query { viewer { usage { fi|': ['fileCount'],
  'mutation { upl|': ['upload', 'uploadMany'],
  'query { file(i|': ['id'],
  'query { files(first: 1, af|) { totalCount } }': ['after'],
  'query { files(orderBy: { fi|': ['field'],
  'query { files(orderBy: { field: |': ['CREATED_AT', 'NAME', 'SIZE'],
  'query { files(orderBy: { field: NAME, direction: D|': ['DESC'],
  'query { files(filter: { kinds: [IM|': ['IMAGE'],
  'query($parent: ID, $first: Int) { files(first: |) { totalCount } }': ['$first', 'null'],
  'query($parent: ID, $first: Int) { files(first: $|) { totalCount } }': ['first'],
  'query($id: I|': ['Int', 'ID'],
  'query($input: Upl|': ['Upload', 'UploadInput', 'UploadManyInput', 'UploadManyItem'],
  'query { viewer @inc|': ['include'],
  'query { node(id: "a") { ... on Fi|': ['File'],
  'query { viewer { ...R| } } fragment Row on User { id } fragment Other on File { id }': ['Row'],
  'query { a: vie| }': ['viewer'],
  'query { viewer { id } file(id: "x") { thumbnail(size: S|': ['SMALL'],
  'query { file(id: "|") { id } }': [],
  '# vie|': [],
};
for (const [text, wanted] of Object.entries(cases)) {
  test(`it_offers_what_can_stand_in ${text}`, () => {
    const found = offered(text);
    assert.deepEqual(found.slice(0, wanted.length), wanted, JSON.stringify(found));
    if (wanted.length === 0) assert.deepEqual(found, []);
  });
}

test('without_being_asked_it_waits_for_a_letter', () => {
  assert.deepEqual(offered('{ | }', false), []);
  assert.deepEqual(offered('{ v| }', false).slice(0, 1), ['viewer']);
});

test('arguments_that_are_given_are_not_offered_again', () => {
  assert.ok(!offered('{ files(first: 1, |) { totalCount } }').includes('first'));
});

test('a_field_brings_the_brackets_that_it_needs', () => {
  const insert = (text, label) =>
    complete(parse(text), text.length, schema, true).items.find((item) => item.label === label).insert;
  assert.equal(insert('{ viewe', 'viewer'), 'viewer {\n  |\n}');
  assert.equal(insert('mutation { uplo', 'upload'), 'upload(input: |) {\n  \n}');
  assert.equal(insert('{ viewer { i', 'id'), 'id');
});

test('names_are_described', () => {
  const at = (marks) => {
    const { text, offset } = marked(marks);
    return describe(parse(text), offset, schema);
  };
  assert.deepEqual(at('{ vie|wer { id } }').place, { type: 'Query', field: 'viewer' });
  assert.equal(at('{ viewer { id| } }').title, 'User.id: ID!');
  assert.equal(at('{ files(fi|rst: 1) { totalCount } }').title, 'first: Int');
  assert.deepEqual(at('{ files(orderBy: { field: NA|ME }) { totalCount } }').place, { type: 'FileOrderField' });
  assert.equal(at('{ not|hing }'), undefined);
});

test('anywhere_in_any_text_it_has_an_answer', () => {
  const text =
    'query A($a: [ID!] = [1], $b: FileFilter @x) @y(z: {a: [$b]}) { a: file(id: $a) { ...B ... on File @skip(if: true) { id } } } fragment B on File { url(x: }';
  for (let from = 0; from < text.length; from += 3) {
    for (let offset = 0; offset <= text.length - from; offset++) {
      complete(parse(text.slice(from)), offset, schema, true);
      describe(parse(text.slice(from)), offset, schema);
    }
  }
});
