// What is wrong with a document is told at its place; what is right is left alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { examples } from '../../../src/http/console/explorer/examples.js';
import { parse } from '../../../src/http/console/explorer/parse.js';
import { validate } from '../../../src/http/console/explorer/validate.js';
import * as operations from '../../../src/http/console/operations.js';
import { schema } from './schema.js';

/** The mistakes, each as the text that it is about and the message. */
function mistakes(text) {
  const document = parse(text);
  const found = document.problems.length > 0 ? document.problems : validate(document, schema);
  return found.map(({ start, end, message }) => [text.slice(start, end), message]);
}

test('what_the_console_sends_and_the_examples_are_right', () => {
  for (const text of [...Object.values(operations), ...examples.map(({ query }) => query)])
    assert.deepEqual(mistakes(text), [], text);
});

const wrong = {
  'query { viewer { idd } }': ['idd', /no field “idd” on User. Did you mean “id”/],
  'query { viewer }': ['viewer', /say which of its fields/],
  'query { limits { pageSize { a } } }': ['{ a }', /no fields to select/],
  'query { file(id: "a", name: "b") { id } }': ['name', /no argument “name”/],
  'query { file { id } }': ['file', /needs the argument “id: ID!”/],
  'query { file(id: $id) { id } }': ['$id', /not declared/],
  'query($id: ID!) { viewer { id } }': ['$id', /not used/],
  'query($id: ID) { file(id: $id) { id } }': ['$id', /is ID; here it has to be ID!/],
  'query($id: Id!) { file(id: $id) { id } }': ['Id', /no type “Id”. Did you mean “ID”/],
  'query($id: File) { file(id: $id) { id } }': ['File', /cannot be sent/],
  'query { files(orderBy: { field: NAMES, direction: ASC }) { totalCount } }': ['NAMES', /no value “NAMES”. Did you mean “NAME”/],
  'query { files(orderBy: { field: "NAME", direction: ASC }) { totalCount } }': ['"NAME"', /without quotes/],
  'query { files(orderBy: { field: NAME }) { totalCount } }': ['{', /needs “direction: OrderDirection!”/],
  'query { files(first: "1") { totalCount } }': ['"1"', /has to be Int, not a string/],
  'query { viewer { ...Row } }': ['Row', /no fragment “Row”/],
  'query { viewer { id } } fragment Row on File { id }': ['Row', /not used/],
  'query { viewer { ...A } } fragment A on User { ...B } fragment B on User { ...A }': ['A', /spreads itself/],
  'query { viewer { ... on File { id } } }': ['File', /User is never File/],
  'query { viewer @skipp(if: true) { id } }': ['skipp', /no directive/],
  'mutation { upload(input: { file: "x" }) { userErrors { code } } }': ['"x"', /declare a variable of the type Upload/],
  'query A { viewer { id } } query A { viewer { id } }': ['A', /another operation “A”/],
  'query { viewer { id': ['{', /no “}” for this “{”/],
  'query { viewer { id } } }': ['}', /no “{” for this “}”/],
  'query { file(id: ) { id } }': [')', /Expected a value/],
  'query { file(id: "a) { id } }': ['"a) { id } }', /no end/],
};
for (const [text, [place, message]] of Object.entries(wrong)) {
  test(`it_finds_what_is_wrong_in ${text}`, () => {
    const found = mistakes(text);
    assert.ok(
      found.some(([where, what]) => where === place && message.test(what)),
      JSON.stringify(found),
    );
  });
}

test('a_missing_bracket_does_not_take_the_next_operation_along', () => {
  const { definitions } = parse('query A { viewer { id }\nquery B { viewer { id } }');
  assert.deepEqual(
    definitions.map(({ name }) => name.text),
    ['A', 'B'],
  );
});

test('any_text_is_read_in_time_and_without_an_exception', () => {
  const pieces = [
    '{',
    '}',
    '(',
    ')',
    '[',
    '{a(b:[',
    '"',
    '"""',
    '\\"""',
    '#',
    '...',
    '@a ',
    '$',
    '-1.',
    '€',
    '\n',
    '\0',
    '{a{...B}}fragment B on C',
    'query($a:[I!]=',
  ];
  for (const piece of pieces) {
    const text = piece.repeat(30_000 / piece.length);
    // Its own time: others may keep the machine busy.
    const from = process.cpuUsage();
    validate(parse(text), schema);
    assert.ok(process.cpuUsage(from).user < 1_000_000, piece);
  }
});
