// Laying out, variables, and what is kept.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Memory, withoutSecrets } from '../../../src/http/console/explorer/history.js';
import { checkVariables, filePlaces, filledIn, withFiles } from '../../../src/http/console/explorer/inputs.js';
import { parseJson, prettifyJson, valueOf } from '../../../src/http/console/explorer/json.js';
import { excerpt, operationAt, parse } from '../../../src/http/console/explorer/parse.js';
import { prettify } from '../../../src/http/console/explorer/prettify.js';
import { told } from '../../../src/http/console/explorer/told.js';
import { validate } from '../../../src/http/console/explorer/validate.js';
import { shortened, visible } from '../../../src/http/console/format.js';
import { schema } from './schema.js';

const operation = (text) => parse(text).definitions[0];

test('a_document_is_laid_out_with_its_comments', () => {
  const text =
    '# top\nquery A($a:[ID!]=["x"],$b:Int){# why\nfiles(first:$b,filter:{kinds:[IMAGE FILE]}){nodes{id,...F}\n\n# apart\ntotalCount}}\nfragment F on File{name}# end';
  const tidy = `# top
query A($a: [ID!] = ["x"], $b: Int) { # why
  files(first: $b, filter: { kinds: [IMAGE, FILE] }) {
    nodes {
      id
      ...F
    }

    # apart
    totalCount
  }
}

fragment F on File {
  name
} # end
`;
  assert.equal(prettify(text), tidy);
  assert.equal(prettify(tidy), tidy);
  assert.equal(prettify('{ a'), null);
});

test('a_long_list_of_arguments_gets_lines_of_its_own', () => {
  const text =
    'query { files(parentId: "0123456789012345678901234567890123456789", first: 10, after: "01234567890123") { totalCount } }';
  assert.match(prettify(text), /files\(\n {4}parentId: "[0-9]+"\n {4}first: 10\n {4}after/);
});

test('the_operation_at_the_caret_is_sent_with_its_fragments_alone', () => {
  const text =
    'query A { viewer { ...U } }\nquery B { limits { pageSize } }\nfragment U on User { id ...V }\nfragment V on User { email }\nfragment W on File { id }';
  const document = parse(text);
  const { text: sent, place } = excerpt(operationAt(document, 5), document);
  assert.equal(sent, 'query A { viewer { ...U } }\n\nfragment U on User { id ...V }\n\nfragment V on User { email }');
  assert.equal(text.slice(place(sent.indexOf('email'))).slice(0, 5), 'email');
  assert.equal(operationAt(document, text.indexOf('limits')).name.text, 'B');
});

test('files_are_found_in_variables_and_nested_inputs', () => {
  const keys = (text) => filePlaces(operation(text), schema).map(({ key }) => key);
  assert.deepEqual(keys('mutation($input: UploadInput!) { a }'), ['input.file']);
  assert.deepEqual(keys('mutation($input: UploadManyInput!) { a }'), ['input.files.*.file']);
  assert.deepEqual(keys('mutation($file: Upload!, $files: [Upload!]) { a }'), ['file', 'files.*']);
});

test('files_go_where_they_belong_beside_what_is_written', () => {
  const places = filePlaces(operation('mutation($input: UploadManyInput!) { a }'), schema);
  const chosen = new Map([['input.files.*.file', ['one', 'two']]]);
  const { variables, files } = withFiles({ input: { parentId: 'p', files: [{ name: 'n' }] } }, places, chosen);
  assert.deepEqual(variables, { input: { parentId: 'p', files: [{ name: 'n', file: null }, { file: null }] } });
  assert.deepEqual(files, { 'variables.input.files.0.file': 'one', 'variables.input.files.1.file': 'two' });
});

test('variables_are_checked_at_their_place', () => {
  const check = (text, of, chosen = new Map()) => {
    const json = parseJson(text);
    return [...json.problems, ...checkVariables(json, operation(of), schema, chosen)].map(({ start, end, message }) => [
      text.slice(start, end),
      message,
    ]);
  };
  const upload = 'mutation($input: UploadInput!) { a }';
  assert.match(check('{}', upload)[0][1], /“\$input” of type UploadInput! is missing/);
  assert.match(check('{"input": {}}', upload)[0][1], /“file” of type Upload! is missing/);
  assert.deepEqual(check('{}', upload, new Map([['input.file', ['a file']]])), []);
  assert.equal(check('{"input": {"nam": "x"}}', upload)[0][0], '"nam"');
  assert.equal(check('{"order": {"field": "NAMES", "direction": "ASC"}}', 'query($order: FileOrder) { a }')[0][0], '"NAMES"');
  assert.equal(check('{"first": "1"}', 'query($first: Int) { a }')[0][0], '"1"');
  assert.deepEqual(check('', 'query($first: Int = 1) { a }'), []);
});

test('what_is_no_json_is_told_at_its_place', () => {
  const cases = {
    '{"a": 1,}': ',',
    '{"a" 1}': '1',
    '{"a": [1 2]}': '2',
    '{"a": "x}': '"x}',
    '{a: 1}': 'a',
    '{"a": 01}': '01',
    '[1] 2': '2',
    '{"a": 1': '{',
    '{"a": tru}': 'tru',
  };
  for (const [text, place] of Object.entries(cases)) {
    const [{ start, end }] = parseJson(text).problems;
    assert.equal(text.slice(start, end), place, text);
  }
  const text = '{"a": [1, -2.5e3, "x\\u0041", null, true], "b": {}}';
  assert.deepEqual(valueOf(parseJson(text).node), JSON.parse(text));
});

test('variables_are_laid_out_as_they_were_written', () => {
  assert.equal(
    prettifyJson('{"a":[1.0,90071992547409931,"\\u0041"],"b":{},"c":{"d":null}}'),
    '{\n  "a": [\n    1.0,\n    90071992547409931,\n    "\\u0041"\n  ],\n  "b": {},\n  "c": {\n    "d": null\n  }\n}',
  );
  for (const text of ['', ' ', '{"a": 1,}', '{"a"']) assert.equal(prettifyJson(text), null, text);
});

test('what_the_server_says_of_a_known_mistake_is_not_told_again', () => {
  const VALIDATION = 'GRAPHQL_VALIDATION_FAILED';
  const others = (text, errors, ownVariables = []) => {
    const document = parse(text);
    const own = document.problems.length > 0 ? document.problems : validate(document, schema);
    const all = errors.map(([code, column, message = 'wrong']) => ({
      message,
      locations: [{ line: 1, column }],
      extensions: { code },
    }));
    return told(all, { document, located: (location) => location, own, ownVariables }).map(({ message }) => message);
  };
  // At the same place, at the argument of a value, the field of a set, the variable of a type.
  assert.deepEqual(others('{ viewer { emial } }', [[VALIDATION, 12]]), []);
  assert.deepEqual(others('{ files(first: "x") { totalCount } }', [[VALIDATION, 9]]), []);
  assert.deepEqual(others('{ files { totalCount { x } } }', [[VALIDATION, 11], [VALIDATION, 24]]), []);
  assert.deepEqual(others('query A($a: Itn) { files(first: $a) { totalCount } }', [[VALIDATION, 9]]), []);
  assert.deepEqual(others('{ viewer { email }', [['GRAPHQL_PARSE_FAILED', 19]]), []);
  assert.deepEqual(others('query A($a: Int) { files(first: $a) { totalCount } }', [['BAD_USER_INPUT', 9]], [{}]), []);
  // What only the server knows stays, once for each place.
  assert.deepEqual(others('{ viewer { emial } files { totalCount } }', [[VALIDATION, 20], [VALIDATION, 20]]), ['wrong']);
  assert.deepEqual(others('{ files(first: 1000) { totalCount } }', [['BAD_USER_INPUT', 3, 'too many']]), ['too many']);
  assert.deepEqual(others('query A($a: Int) { files(first: $a) { totalCount } }', [['BAD_USER_INPUT', 9]]), ['wrong']);
});

test('required_variables_are_filled_in_beside_what_is_there', () => {
  const filled = filledIn(
    '{"input": {"email": "a@b.c"}}',
    operation('mutation($input: LoginInput!, $order: FileOrder!) { a }'),
    schema,
  );
  assert.deepEqual(JSON.parse(filled), { input: { email: 'a@b.c' }, order: { field: 'CREATED_AT', direction: 'ASC' } });
});

test('secrets_are_left_out_of_what_is_kept', () => {
  const cases = [
    ['{ login(input: { email: "a", password: "hunter2" }) { token } }'],
    ['query($password: String! = "hunter2", $token: ID) { a }'],
    ['{ a(newPassword: """hunter2""", tokens: ["hunter2", "hunter2"]) { token: id } }'],
    ['{"input": {"currentPassword": "hunter2", "newPassword": "hunter2"}}', true],
    ['{"input": {"password": "hunter2', true],
    ['{"input": {"password": hunter2 hunter2"}', true],
    ['{"pass\\u0077ord": "hunter2", "token": {"value": "hunter2"}}', true],
    ['{"authorization": "Bearer hunter2"}', true],
  ];
  for (const [text, isJson] of cases) assert.ok(!withoutSecrets(text, isJson).includes('hunter2'), withoutSecrets(text, isJson));
  const plain = 'query($id: ID!) { viewer { token: id } file(id: "x") { name } }';
  assert.equal(withoutSecrets(plain), plain);
});

test('history_knows_how_what_ran_has_ended', () => {
  const kept = new Map();
  const memory = new Memory({ getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) });
  const fields = '{\n  login(password: "hunter2") { # mine\n    token\n  }\n}';
  const first = memory.add({ query: '{ a }', variables: '', kind: 'query', fields });
  const second = memory.add({ query: '{ b }', variables: '', kind: 'query' });
  memory.settle(first, { text: 'done', isBad: false });
  const [latest, earlier] = memory.entries;
  assert.deepEqual([latest.at, latest.outcome], [second, undefined]);
  assert.deepEqual([earlier.at, earlier.outcome.text, earlier.fields], [first, 'done', 'login(password: "") { token }']);
});

test('history_is_bounded_and_what_is_marked_stays', () => {
  const kept = new Map();
  const memory = new Memory({ getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) });
  memory.add({ query: '{ first }', variables: '', kind: 'query' });
  memory.mark(memory.entries[0].at, true);
  for (let index = 0; index < 80; index++) memory.add({ query: `{ a${index} }`, variables: '{}', kind: 'query' });
  assert.equal(memory.entries.length, 51);
  assert.equal(memory.entries.at(-1).query, '{ first }');
  memory.add({ query: '{ a79 }', variables: '{}', kind: 'query' });
  assert.equal(memory.entries.length, 51);
  memory.clear();
  assert.deepEqual(
    memory.entries.map(({ query }) => query),
    ['{ first }'],
  );
  kept.set('strongroom.explorer.history', 'no JSON');
  assert.deepEqual(memory.entries, []);
});

test('names_hide_nothing_and_long_words_are_shortened', () => {
  assert.equal(visible('photo\u202egpj.exe'), 'photo‹U+202E›gpj.exe');
  assert.equal(visible('a\u0007\u2066b'), 'a‹U+0007›‹U+2066›b');
  assert.equal(visible('תמונות 😀.png'), 'תמונות 😀.png');
  assert.equal(shortened('x'.repeat(60)), 'x'.repeat(60));
  assert.equal(shortened('😀'.repeat(5_000)), `${'😀'.repeat(60)}…`);
});
