// Relay: its compiler, its store, and its rules for cursors.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { promisify } from 'node:util';

import relay from 'relay-runtime';

import { root } from '../servers.js';
import { newUser, photo, post, settled, socket, text, upload } from './support.js';

const { commitMutation, createOperationDescriptor, fetchQuery, getSelector, requestSubscription } = relay;
const { Environment, Network, Observable, RecordSource, Store } = relay;

const require = createRequire(import.meta.url);

/** A front end as relay-compiler wants it: Drive.js, the schema, and what is made of them. */
let project;
let compiled;

before(async () => {
  project = await mkdtemp(join(tmpdir(), 'strongroom-relay-'));
  const here = new URL('relay/', import.meta.url);
  await Promise.all([mkdir(join(project, 'src')), mkdir(join(project, 'artifacts'))]);
  await cp(new URL('Drive.js', here), join(project, 'src/Drive.js'));
  await cp(new URL('relay.config.json', here), join(project, 'relay.config.json'));
  await cp(join(root, 'schema.graphql'), join(project, 'schema.graphql'));
  const compiler = [require.resolve('relay-compiler/cli.js'), '--noWatchman', 'relay.config.json'];
  compiled = await promisify(execFile)(process.execPath, compiler, { cwd: project });
});
after(() => rm(project, { recursive: true, force: true }));

/** What the compiler made of an operation or fragment. */
const artifact = (name) => require(join(project, `artifacts/${name}.graphql.js`));

/** A Relay environment in the name of this token. `asked` holds what went over the network. */
function drive(token, subscriptions = undefined) {
  const asked = [];
  const fetchFunction = async ({ name, text }, variables) => {
    const answer = await post(text, variables, token);
    assert.equal(answer.errors, undefined); // Relay itself passes over errors of nullable fields.
    asked.push({ name, variables, answer });
    return answer;
  };
  const subscribeFunction = ({ text }, variables) =>
    Observable.create((sink) => subscriptions.subscribe({ query: text, variables }, sink));
  const environment = new Environment({
    network: Network.create(fetchFunction, subscribeFunction),
    store: new Store(new RecordSource()),
  });
  const mutate = async (name, variables) => {
    const [field] = await new Promise((onCompleted, onError) => {
      const mutation = artifact(name);
      const completed = (response, errors) => (errors ? onError(errors) : onCompleted(Object.values(response)));
      commitMutation(environment, { mutation, variables, onCompleted: completed, onError });
    });
    assert.deepEqual(field.userErrors, []);
    return field;
  };
  /** Fetches a query, and keeps it: answers a function that reads what the store has of it by now. */
  const open = async (name, variables) => {
    const operation = createOperationDescriptor(artifact(name), variables);
    environment.retain(operation);
    await fetchQuery(environment, artifact(name), variables).toPromise();
    return () => read(environment, operation.fragment);
  };
  /** Fetches more, as the button under a list does. */
  const more = (name, variables) => fetchQuery(environment, artifact(name), variables).toPromise();
  const fragment = (name, parent) => read(environment, getSelector(artifact(name), parent));
  return { asked, environment, fragment, more, mutate, open };
}

function read(environment, selector) {
  const { data, isMissingData } = environment.lookup(selector);
  assert.equal(isMissingData, false, 'the store has everything that was asked for');
  return data;
}

const folder = (token, name, parentId = null) =>
  post(
    'mutation ($input: CreateFolderInput!) { createFolder(input: $input) { folder { id name } userErrors { code } } }',
    { input: { name, parentId } },
    token,
  ).then(({ data }) => data.createFolder.folder);

/** Folders of these names, made one after the other. */
async function folders(token, names, parentId = null) {
  const made = [];
  for (const name of names) made.push(await folder(token, name, parentId));
  return made;
}

const names = (connection) => connection.edges.map(({ node }) => node.name);

test('relay-compiler takes a front end with the schema, without an error or a warning', async () => {
  assert.equal(compiled.stderr, '');
  assert.doesNotMatch(compiled.stdout, /error|warn/i);
  assert.match(compiled.stdout, /Compilation completed/);
  // Each operation as it goes over the wire is one that graphql-js accepts, too.
  const { buildSchema, parse, validate } = await import('graphql');
  const schema = buildSchema(await readFile(join(root, 'schema.graphql'), 'utf8'));
  for (const name of ['DriveQuery', 'DriveFilesPaginationQuery', 'DriveFolderPaginationQuery', 'DriveReadySubscription']) {
    assert.deepEqual(validate(schema, parse(artifact(name).params.text)), []);
  }
});

test('a connection is loaded page by page, and no file is lost or repeated', async () => {
  const { token } = await newUser();
  await folders(token, ['e', 'b', 'g', 'a', 'd', 'f', 'c']);
  const { asked, fragment, more, open } = drive(token);
  const query = await open('DriveQuery', { parentId: null, count: 3 });
  const files = () => fragment('Drive_query', query()).files;
  const seen = ['abc', 'abcdef', 'abcdefg'];
  for (const [page, wanted] of seen.entries()) {
    const { edges, pageInfo, totalCount } = files();
    const rows = edges.map(({ node }) => fragment('Drive_file', node));
    assert.equal(rows.map(({ name }) => name).join(''), wanted);
    assert.equal(totalCount, 7);
    assert.equal(pageInfo.hasNextPage, page < 2);
    assert.equal(pageInfo.endCursor, edges.at(-1).cursor);
    if (pageInfo.hasNextPage) await more('DriveFilesPaginationQuery', { parentId: null, count: 3, cursor: pageInfo.endCursor });
  }
  // Relay would hide a file that came twice.
  const sent = asked.flatMap(({ answer }) => answer.data.files.edges.map(({ node }) => node.name));
  assert.equal(sent.join(''), 'abcdefg');
});

test('a connection is loaded from its end, too', async () => {
  const { token } = await newUser();
  await folders(token, ['a', 'b', 'c', 'd', 'e']);
  const { fragment, more, open } = drive(token);
  const query = await open('DriveFilesPaginationQuery', { parentId: null, count: null, lastCount: 2 });
  const files = () => fragment('Drive_query', query()).files;
  for (const wanted of ['de', 'bcde', 'abcde']) {
    const { edges, pageInfo } = files();
    assert.equal(edges.map(({ node }) => fragment('Drive_file', node).name).join(''), wanted);
    assert.equal(pageInfo.hasPreviousPage, wanted !== 'abcde');
    const next = { parentId: null, count: null, lastCount: 2, before: pageInfo.startCursor };
    if (pageInfo.hasPreviousPage) await more('DriveFilesPaginationQuery', next);
  }
});

test('what comes and goes while a list is loaded neither hides nor repeats the rest', async () => {
  const { token } = await newUser();
  const [, b, , d] = await folders(token, ['a', 'b', 'c', 'd', 'e', 'f']);
  const { asked, fragment, more, mutate, open } = drive(token);
  const query = await open('DriveQuery', { parentId: null, count: 2 });
  const files = () => fragment('Drive_query', query()).files;
  const next = () => more('DriveFilesPaginationQuery', { parentId: null, count: 2, cursor: files().pageInfo.endCursor });
  // Behind the cursor, and the very file that the cursor stands at.
  await folder(token, 'aa');
  await mutate('DriveDeleteMutation', { input: { fileId: b.id }, connections: [] });
  await next();
  await mutate('DriveDeleteMutation', { input: { fileId: d.id }, connections: [] });
  await next();
  const pages = asked.filter(({ answer }) => answer.data.files);
  const sent = pages.map(({ answer }) => answer.data.files.edges.map(({ node }) => node.name).join(''));
  assert.deepEqual(sent, ['ab', 'cd', 'ef']);
});

test('what a folder holds is fetched again through the field node', async () => {
  const { token } = await newUser();
  const { id } = await folder(token, 'parent');
  await folders(token, ['c', 'a', 'e', 'b', 'd'], id);
  const { fragment, more, open } = drive(token);
  const query = await open('DriveFolderQuery', { id });
  assert.equal(query().node.__typename, 'File');
  const children = () => fragment('Drive_folder', query().node.folder).children;
  assert.deepEqual(names(children()), ['a', 'b']);
  await more('DriveFolderPaginationQuery', { id, count: 2, cursor: children().pageInfo.endCursor });
  assert.deepEqual(names(children()), ['a', 'b', 'c', 'd']);
  await more('DriveFolderPaginationQuery', { id, count: 2, cursor: children().pageInfo.endCursor });
  assert.deepEqual([names(children()), children().pageInfo.hasNextPage], [['a', 'b', 'c', 'd', 'e'], false]);
});

test('a rename reaches every view through the one record that the file has', async () => {
  const { token } = await newUser();
  const [a] = await folders(token, ['a', 'b']);
  const { fragment, mutate, open } = drive(token);
  const list = await open('DriveQuery', { parentId: null, count: 10 });
  const alone = await open('DriveFolderQuery', { id: a.id });
  const rows = () => fragment('Drive_query', list()).files.edges.map(({ node }) => fragment('Drive_file', node));
  const [before] = rows();
  const { file } = await mutate('DriveRenameMutation', { input: { fileId: a.id, name: 'renamed' } });
  assert.equal(file.id, a.id);
  assert.equal(rows()[0].name, 'renamed');
  assert.equal(fragment('Drive_folder', alone().node.folder).name, 'renamed');
  assert(rows()[0].updatedAt > before.updatedAt);
  assert.equal(rows()[0].createdAt, before.createdAt);
});

test('what is made is put into the list, and what is deleted is taken out', async () => {
  const { token } = await newUser();
  const [a] = await folders(token, ['a', 'b']);
  const { fragment, mutate, open } = drive(token);
  const list = await open('DriveQuery', { parentId: null, count: 10 });
  const files = () => fragment('Drive_query', list()).files;
  const shown = () => files().edges.map(({ node }) => fragment('Drive_file', node).name);
  const connections = [files().__id];
  await mutate('DriveCreateFolderMutation', { input: { name: 'new' }, connections });
  assert.deepEqual(shown(), ['new', 'a', 'b']);
  const { deletedFileId } = await mutate('DriveDeleteMutation', { input: { fileId: a.id }, connections });
  assert.equal(deletedFileId, a.id);
  assert.deepEqual(shown(), ['new', 'b']);
});

test('a subscription fills in the thumbnail of a file in the list', async () => {
  const { token } = await newUser();
  const { id } = await upload(token, 'photo.png', photo());
  const client = socket(token);
  const { environment, fragment, open } = drive(token, client);
  const list = await open('DriveQuery', { parentId: null, count: 10 });
  const row = () => fragment('Drive_file', fragment('Drive_query', list()).files.edges[0].node);
  await new Promise((onCompleted, onError) => {
    const subscription = artifact('DriveReadySubscription');
    requestSubscription(environment, { subscription, variables: { fileId: id }, onCompleted, onError });
  });
  assert.equal(row().thumbnailStatus, 'READY');
  assert.equal(row().thumbnail.width, 100);
  assert((await fetch(row().thumbnail.url)).ok);
  await client.dispose();
});

test('the field node finds what is a Node by its ID, and nothing else', async () => {
  const [user, stranger] = await Promise.all([newUser(), newUser()]);
  const mine = await upload(user.token, 'a.txt', text());
  const [hidden, shown] = await Promise.all([
    upload(stranger.token, 'b.txt', text()),
    upload(stranger.token, 'c.txt', text(), { isPublic: true }),
  ]);
  const query = 'query ($id: ID!) { node(id: $id) { __typename id ... on File { name } ... on User { email } } }';
  for (const [id, node] of [
    [mine.id, { __typename: 'File', id: mine.id, name: 'a.txt' }],
    [shown.id, { __typename: 'File', id: shown.id, name: 'c.txt' }],
    [user.id, { __typename: 'User', id: user.id, email: user.email }],
    [hidden.id, null],
    [stranger.id, null],
    ['nonsense', null],
    ['', null],
  ]) {
    assert.deepEqual(await post(query, { id }, user.token), { data: { node } }, id);
  }
});

const PAGE = 'edges { cursor node { name } } pageInfo { hasPreviousPage hasNextPage startCursor endCursor }';

test('each page is what the rules for cursors say, whatever is asked for', async () => {
  const { token } = await newUser();
  const list = [...'abcde'];
  await folders(token, list);
  const all = (await post(`{ files(orderBy: { field: NAME, direction: ASC }) { ${PAGE} } }`, {}, token)).data.files;
  const cursors = all.edges.map(({ cursor }) => cursor);
  assert.equal(new Set(cursors).size, list.length);

  // https://relay.dev/graphql/connections.htm, section 4.4; -1 and list.length stand for no cursor.
  const expected = (after, before, count, fromEnd) => {
    const between = list.slice(after + 1, Math.max(before, after + 1));
    const page = fromEnd ? between.slice(-count) : between.slice(0, count);
    const cut = between.length > count;
    return {
      page,
      hasPreviousPage: fromEnd ? cut : after >= 0,
      hasNextPage: fromEnd ? before < list.length : cut,
    };
  };
  const wanted = [];
  for (let after = -1; after < list.length; after++) {
    for (let before = 0; before <= list.length; before++) {
      for (const count of [1, 2, 10]) {
        for (const fromEnd of [false, true]) wanted.push({ after, before, count, fromEnd });
      }
    }
  }
  const quoted = (index) => JSON.stringify(cursors[index] ?? null);
  for (let from = 0; from < wanted.length; from += 15) {
    const some = wanted.slice(from, from + 15);
    const fields = some.map(({ after, before, count, fromEnd }, index) => {
      const size = `${fromEnd ? 'last' : 'first'}: ${count}`;
      const order = 'orderBy: { field: NAME, direction: ASC }';
      return `_${index}: files(${order}, ${size}, after: ${quoted(after)}, before: ${quoted(before)}) { ${PAGE} }`;
    });
    const { data, errors } = await post(`{ ${fields.join(' ')} }`, {}, token);
    assert.equal(errors, undefined);
    for (const [index, { after, before, count, fromEnd }] of some.entries()) {
      const { edges, pageInfo } = data[`_${index}`];
      const { page, hasPreviousPage, hasNextPage } = expected(after, before, count, fromEnd);
      const pageCursors = page.map((name) => cursors[list.indexOf(name)]);
      assert.deepEqual(
        { page: edges.map(({ node }) => node.name), cursors: edges.map(({ cursor }) => cursor), ...pageInfo },
        {
          page,
          cursors: pageCursors,
          hasPreviousPage,
          hasNextPage,
          startCursor: pageCursors[0] ?? null,
          endCursor: pageCursors.at(-1) ?? null,
        },
        JSON.stringify(some[index]),
      );
    }
  }
});

test('a cursor that was tampered with, or belongs elsewhere, is BAD_USER_INPUT', async () => {
  const { token } = await newUser();
  await folders(token, ['a', 'b', 'c']);
  const query = `query ($after: String, $before: String, $orderBy: FileOrder) {
    files(first: 1, after: $after, before: $before, orderBy: $orderBy) { nodes { name } pageInfo { endCursor } }
    limits { pageSize }
  }`;
  const byName = { field: 'NAME', direction: 'ASC' };
  const ask = (variables) => post(query, { orderBy: byName, ...variables }, token);
  const good = (await ask({})).data.files.pageInfo.endCursor;
  const bad = [...good].map((character, at) => good.slice(0, at) + (character === 'A' ? 'B' : 'A') + good.slice(at + 1));
  const others = ['', ' ', 'nonsense', good.slice(1), good.slice(0, -1), `${good}A`, `${good}=`, btoa('arrayconnection:1')];
  await Promise.all(
    [...bad, ...others].flatMap((cursor) =>
      ['after', 'before'].map(async (argument) => {
        const { data, errors } = await ask({ [argument]: cursor });
        // Relay shows the rest of the page.
        assert.deepEqual(data, { files: null, limits: { pageSize: 100 } }, `${argument}: ${cursor}`);
        assert.equal(errors[0].extensions.code, 'BAD_USER_INPUT');
      }),
    ),
  );
  for (const orderBy of [{ field: 'SIZE', direction: 'ASC' }, { field: 'NAME', direction: 'DESC' }]) {
    assert.equal((await ask({ after: good, orderBy })).errors[0].extensions.code, 'BAD_USER_INPUT');
  }
  assert.equal((await ask({ after: good })).data.files.nodes[0].name, 'b');
});

test('a page has to be one that can be', async () => {
  const { token } = await newUser();
  for (const size of ['first: 0', 'first: -1', 'first: 101', 'last: 0', 'last: 101', 'first: 1, last: 1']) {
    const { data, errors } = await post(`{ files(${size}) { nodes { id } } }`, {}, token);
    assert.deepEqual([data, errors[0].extensions.code], [{ files: null }, 'BAD_USER_INPUT'], size);
  }
  const { data } = await post(`{ files(first: 100) { ${PAGE} } }`, {}, token);
  const pageInfo = { hasPreviousPage: false, hasNextPage: false, startCursor: null, endCursor: null };
  assert.deepEqual(data.files, { edges: [], pageInfo });
});
