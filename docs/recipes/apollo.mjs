// A walk through Strongroom with Apollo Client 4, in Node 20 or later:
//
//   npm install @apollo/client apollo-upload-client graphql graphql-ws rxjs ws
//   EMAIL=ada@example.org PASSWORD='correct horse battery staple' node apollo.mjs photo.jpg
//
// STRONGROOM_URL names the server. In a browser all of this is the same; a File comes from <input type="file"> instead.

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { gql } from '@apollo/client';
import WebSocket from 'ws';

import { codeOf, createStrongroomClient, done, refresh } from './apollo-client.mjs';

const url = process.env.STRONGROOM_URL ?? 'http://127.0.0.1:4000';
const { EMAIL: email, PASSWORD: password } = process.env;
const path = process.argv[2];
if (!email || !password || !path) throw new Error('usage: EMAIL=... PASSWORD=... node apollo.mjs PHOTO');

const session = { token: null, ended: () => console.log('the session has ended') };
const { client, close } = createStrongroomClient({ url, session, webSocketImpl: WebSocket });

// Every operation selects the `id` of what it touches: that is how the cache knows it again.
const ROW = gql`
  fragment Row on File { id name size isPublic thumbnailStatus }
`;
const REGISTER = gql`
  mutation Register($input: RegisterInput!) {
    register(input: $input) { token user { id } userErrors { code message field } }
  }
`;
const LOGIN = gql`
  mutation Login($input: LoginInput!) {
    login(input: $input) { token user { id } userErrors { code message field } }
  }
`;
const LIMITS = gql`
  query Limits { limits { uploadBytes uploadFiles } }
`;
// Lists have to select `edges` with their `cursor`, and `pageInfo`: the cache joins pages by them.
const FILES = gql`
  query Files($first: Int!, $after: String) {
    files(first: $first, after: $after, orderBy: { field: NAME, direction: ASC }) {
      totalCount
      edges { cursor node { ...Row } }
      pageInfo { hasNextPage endCursor }
    }
  }
  ${ROW}
`;
const UPLOAD = gql`
  mutation Upload($input: UploadInput!) {
    upload(input: $input) { file { ...Row } userErrors { code message field } }
  }
  ${ROW}
`;
const UPLOAD_MANY = gql`
  mutation UploadMany($input: UploadManyInput!) {
    uploadMany(input: $input) {
      results { file { ...Row } userErrors { code message field } }
      userErrors { code message field }
    }
  }
  ${ROW}
`;
const THUMBNAIL_READY = gql`
  subscription ThumbnailReady($fileId: ID!) {
    thumbnailReady(fileId: $fileId) {
      id thumbnailStatus thumbnailError width height
      thumbnails { size width height url }
    }
  }
`;
const SET_PUBLIC = gql`
  mutation SetPublic($input: SetPublicInput!) {
    setPublic(input: $input) { file { id isPublic url } userErrors { code message field } }
  }
`;
const RENAME = gql`
  mutation Rename($input: RenameInput!) {
    rename(input: $input) { file { id name updatedAt } userErrors { code message field } }
  }
`;
const DELETE = gql`
  mutation Delete($input: DeleteInput!) {
    delete(input: $input) { deletedFileId userErrors { code message field } }
  }
`;
const LINK = gql`
  query Link($id: ID!) { file(id: $id) { id url(disposition: ATTACHMENT) } }
`;

async function mutate(mutation, input, options) {
  const { data } = await client.mutate({ mutation, variables: { input }, ...options });
  return done(Object.values(data)[0]);
}

try {
  await walk();
} catch (error) {
  console.error(`${codeOf(error) ?? 'error'}: ${error.message}`);
  process.exitCode = 1;
} finally {
  close();
  client.stop();
}

async function walk() {
  await signIn();
  const expiresAt = await refresh(client, session);
  console.log(`the token is good until ${expiresAt.toISOString()}`);

  // Uploads.
  const photo = new File([await readFile(path)], basename(path));
  const { limits } = (await client.query({ query: LIMITS })).data;
  if (photo.size > limits.uploadBytes) throw new Error(`${photo.name} is larger than ${limits.uploadBytes} bytes`);

  const { file } = await mutate(UPLOAD, { file: photo });
  console.log(`uploaded ${file.name}, ${file.size} bytes: ${file.id}`);

  const notes = ['one', 'two', 'three'].map((word) => ({ file: new File([word], `${word}.txt`) }));
  const { results } = await mutate(UPLOAD_MANY, { files: notes });
  // Of several files one may fail while the others are stored: each result has `userErrors` of its own.
  for (const result of results) console.log(`uploaded ${done(result).file.name}: ${result.file.id}`);

  await thumbnails(file.id);

  // Paging. In React this is `useQuery` with its `fetchMore`.
  const first = { query: FILES, variables: { first: 2 } };
  const query = client.watchQuery(first);
  const watching = query.subscribe(() => {}); // A component would draw itself here.
  let page = (await client.query(first)).data.files; // The same request; it is sent once.
  while (page.pageInfo.hasNextPage) {
    page = (await query.fetchMore({ variables: { after: page.pageInfo.endCursor } })).data.files;
  }
  // The cache has joined the pages.
  const names = () => client.readQuery(first).files.edges.map(({ node }) => node.name).join(', ');
  console.log(`${page.totalCount} files: ${names()}`);

  // Changes. The answers update every list by themselves: they select the `id` and what has changed.
  await mutate(SET_PUBLIC, { fileId: file.id, isPublic: true });
  await mutate(RENAME, { fileId: file.id, name: `public ${file.name}` });
  console.log(`after renaming one: ${names()}`);

  // What was deleted has to be taken out of the cache, and is then out of every list.
  await mutate(DELETE, { fileId: results[2].file.id }, {
    update(cache, { data }) {
      cache.evict({ id: cache.identify({ __typename: 'File', id: data.delete.deletedFileId }) });
      cache.gc();
    },
  });
  console.log(`after deleting one: ${names()}`);
  watching.unsubscribe();

  // Errors: some are for the user to put right, some for the program.
  await mutate(RENAME, { fileId: file.id, name: 'a/b' }).catch((error) => {
    console.log(`refused with ${codeOf(error)} at ${error.field.join('.')}: ${error.message}`);
  });
  await client.query({ query: FILES, variables: { first: 1000 }, fetchPolicy: 'network-only' }).catch((error) => {
    console.log(`failed with ${codeOf(error)}: ${error.message}`);
  });

  // Downloads. A link is an ordinary URL, for <img src> and <a href> as well; that of a private file works for an hour.
  const link = (await client.query({ query: LINK, variables: { id: file.id } })).data.file.url;
  const download = await fetch(link);
  if (!download.ok) throw new Error(`the download failed with ${download.status}`);
  const bytes = await download.arrayBuffer();
  console.log(`downloaded ${bytes.byteLength} bytes`);
}

/** Opens the account, or logs in to it when there is one. */
async function signIn() {
  const input = { email, password };
  const payload = await mutate(REGISTER, input).catch((error) => {
    if (!['EMAIL_TAKEN', 'REGISTRATION_CLOSED'].includes(codeOf(error))) throw error;
    return mutate(LOGIN, input);
  });
  session.token = payload.token;
  // What was fetched before belongs to somebody else, or to nobody.
  await client.resetStore();
  console.log(`signed in as ${email}`);
}

/** Waits until the thumbnails of an image are done. With `fileId` there is exactly one event, however late one asks. */
async function thumbnails(fileId) {
  const file = await new Promise((resolve, reject) => {
    client.subscribe({ query: THUMBNAIL_READY, variables: { fileId } }).subscribe(({ data, error }) => {
      if (error) reject(error);
      else resolve(data.thumbnailReady);
    });
  });
  if (file.thumbnailStatus === 'FAILED') return console.log(`no thumbnails: ${file.thumbnailError}`);
  const sizes = file.thumbnails.map(({ width, height }) => `${width} x ${height}`).join(', ');
  console.log(`${file.width} x ${file.height}, thumbnails: ${sizes}`);
}
