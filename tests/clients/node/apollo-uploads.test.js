// Apollo Client with apollo-upload-client: uploads, whole and refused ones.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gql } from '@apollo/client';

import { apollo, codeOf } from './front/apollo.js';
import { bottleneck } from './front/bottleneck.js';
import { noWarnings } from './front/quiet.js';
import { soon } from './front/seen.js';
import * as uploads from './front/uploads.js';
import { newUser, photo, rejection, startServer, url } from './support.js';

const { MEBIBYTE, NAMES, assertStored, fileCount, large, note } = uploads;
const [UPLOAD_FILE, UPLOAD, UPLOAD_MANY] = [uploads.UPLOAD_FILE, uploads.UPLOAD, uploads.UPLOAD_MANY].map((text) => gql(text));

noWarnings();

const codes = ({ userErrors }) => userErrors.map(({ code }) => code);

test('one file as a variable of its own', async () => {
  const { token } = await newUser();
  const { client, requests } = apollo({ token });
  const file = note();
  const { data } = await client.mutate({ mutation: UPLOAD_FILE, variables: { file } });
  assert.deepEqual(data.upload.userErrors, []);
  await assertStored(data.upload.file, file);
  assert.ok(requests[0].isMultipart);
  assert.equal(requests[0].headers.get('apollo-require-preflight'), 'true');
});

test('one file inside of the input, with everything else that an input holds', async () => {
  const { token } = await newUser();
  const { client } = apollo({ token });
  const folder = await client.mutate({
    mutation: gql`
      mutation ($input: CreateFolderInput!) {
        createFolder(input: $input) {
          folder {
            id
          }
        }
      }
    `,
    variables: { input: { name: 'letters' } },
  });
  const parentId = folder.data.createFolder.folder.id;
  const input = { file: note('draft.txt'), parentId, name: 'final.txt', isPublic: true };
  const { data } = await client.mutate({ mutation: UPLOAD, variables: { input } });
  assert.deepEqual(data.upload.userErrors, []);
  const { name, isPublic, parent } = data.upload.file;
  assert.deepEqual({ name, isPublic, parent: parent.id }, { name: 'final.txt', isPublic: true, parent: parentId });
});

test('a blob without a name of its own gets the one in the input', async () => {
  const { token } = await newUser();
  const { client } = apollo({ token });
  const input = { file: photo(), name: 'from the canvas.png' };
  const { data } = await client.mutate({ mutation: UPLOAD, variables: { input } });
  assert.deepEqual(data.upload.userErrors, []);
  assert.equal(data.upload.file.name, 'from the canvas.png');
});

test('several files keep their order and their names', async () => {
  const { token } = await newUser();
  const { client } = apollo({ token });
  const files = NAMES.map((name) => note(name));
  const input = { files: files.map((file) => ({ file })) };
  const { data } = await client.mutate({ mutation: UPLOAD_MANY, variables: { input } });
  assert.deepEqual(data.uploadMany.userErrors, []);
  assert.equal(data.uploadMany.results.length, files.length);
  for (const [index, { file, userErrors }] of data.uploadMany.results.entries()) {
    assert.deepEqual(userErrors, []);
    await assertStored(file, files[index]);
  }
});

test('one file at two places is sent once and stored twice', async () => {
  const { token } = await newUser();
  const { client } = apollo({ token });
  const file = note();
  const input = { files: [{ file }, { file, name: 'again.txt' }] };
  const { data } = await client.mutate({ mutation: UPLOAD_MANY, variables: { input } });
  const [first, second] = data.uploadMany.results.map((result) => result.file);
  await assertStored(first, file);
  assert.equal(second.name, 'again.txt');
  assert.equal(second.sha256, first.sha256);
  assert.notEqual(second.id, first.id);
});

test('of several files the bad ones are told apart, and the others are stored', async () => {
  const { token } = await newUser();
  const { client } = apollo({ token });
  const input = { files: [{ file: note('good.txt') }, { file: note(), sha256: '0'.repeat(64) }, { file: note('fine.txt') }] };
  const { data } = await client.mutate({ mutation: UPLOAD_MANY, variables: { input } });
  assert.deepEqual(data.uploadMany.results.map(codes), [[], ['CHECKSUM_MISMATCH'], []]);
  assert.equal(await fileCount(token), 2);
});

test('a file that was forgotten is an error by code', async () => {
  const { token } = await newUser();
  const { client } = apollo({ token });
  const error = await rejection(client.mutate({ mutation: UPLOAD_FILE, variables: { file: null } }));
  assert.equal(codeOf(error), 'BAD_USER_INPUT');
});

test('too many files are refused with a code, and none is stored', async () => {
  const { token } = await newUser();
  const { client } = apollo({ token });
  const files = Array.from({ length: 11 }, (_, index) => ({ file: note(`${index}.txt`) }));
  const error = await rejection(client.mutate({ mutation: UPLOAD_MANY, variables: { input: { files } } }));
  assert.equal(codeOf(error), 'BAD_REQUEST');
  assert.equal(await fileCount(token), 0);
});

test('a stranger is refused with a code before the file is sent, however large it is', async () => {
  const { client, requests } = apollo();
  for (const file of [note(), large('film.mp4', 8 * MEBIBYTE)]) {
    const error = await rejection(client.mutate({ mutation: UPLOAD_FILE, variables: { file } }));
    assert.equal(codeOf(error), 'UNAUTHENTICATED');
    assert.match(error.errors[0].extensions.requestId, /^\S{8,}$/);
    assert.equal(requests.at(-1).status, 401);
  }
});

test('a file over the limit is FILE_TOO_LARGE, and never looks like a broken connection', async (t) => {
  const small = await startServer({ settings: { 'limits.upload_bytes': MEBIBYTE } });
  t.after(() => small.stop());
  const at = small.graphqlUrl;
  const { token } = await newUser(at);
  const { client } = apollo({ token }, { uri: at });
  const upload = (bytes) =>
    client.mutate({ mutation: UPLOAD_FILE, variables: { file: large('film.mp4', bytes) }, errorPolicy: 'all' });

  const { data: exact } = await upload(MEBIBYTE);
  assert.deepEqual(exact.upload.userErrors, []);
  // Of a body over the limit of files x uploadBytes + 2 MiB the client gets an error, otherwise a user error.
  for (const bytes of [MEBIBYTE + 1, 5 * MEBIBYTE, 11 * MEBIBYTE, 13 * MEBIBYTE, 20 * MEBIBYTE, 20 * MEBIBYTE]) {
    const { data, error } = await upload(bytes);
    const code = error ? codeOf(error) : data.upload.userErrors[0].code;
    assert.equal(code, 'FILE_TOO_LARGE', `${bytes} bytes`);
  }
  assert.equal(await fileCount(token, at), 1);
});

test('of several files the one over the limit does not hold back the others', async (t) => {
  const small = await startServer({ settings: { 'limits.upload_bytes': MEBIBYTE } });
  t.after(() => small.stop());
  const at = small.graphqlUrl;
  const { token } = await newUser(at);
  const { client } = apollo({ token }, { uri: at });
  const input = { files: [{ file: note() }, { file: large('film.mp4', 3 * MEBIBYTE) }, { file: note() }] };
  const { data } = await client.mutate({ mutation: UPLOAD_MANY, variables: { input } });
  assert.deepEqual(data.uploadMany.results.map(codes), [[], ['FILE_TOO_LARGE'], []]);
  assert.equal(await fileCount(token, at), 2);
});

test('an upload that is aborted in the middle leaves nothing behind, and the client goes on', async (t) => {
  const { token } = await newUser();
  const relay = await bottleneck(url, 256 * 1024);
  t.after(() => relay.close());
  const { client } = apollo({ token }, { uri: `${relay.url}/graphql` });
  const abort = new AbortController();
  const uploading = rejection(
    client.mutate({
      mutation: UPLOAD_FILE,
      variables: { file: large('film.mp4', 4 * MEBIBYTE) },
      context: { fetchOptions: { signal: abort.signal } },
    }),
  );
  await soon(relay.reached, 'the middle of the upload');
  abort.abort();
  assert.equal((await uploading).name, 'AbortError');
  await soon(relay.over, 'the server to give up');
  assert.equal(await fileCount(token), 0);

  const { data } = await client.mutate({ mutation: UPLOAD_FILE, variables: { file: note() } });
  assert.deepEqual(data.upload.userErrors, []);
});
