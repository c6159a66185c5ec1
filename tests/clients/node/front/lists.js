// The lists of a front end, what is done to the files in them, and the reading of schema.graphql.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { buildSchema, introspectionFromSchema, isObjectType } from 'graphql';

import { bearer, graphqlUrl, post, settled, upload } from '../support.js';
import { note } from './uploads.js';

/** A list as a front end shows it. */
export const LIST = `
  query List {
    files(first: 10, orderBy: { field: NAME, direction: ASC }) {
      totalCount
      edges {
        cursor
        node { id name kind size isPublic mediaType createdAt thumbnailStatus url(disposition: ATTACHMENT) }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

export const SET_PUBLIC = `
  mutation SetPublic($input: SetPublicInput!) {
    setPublic(input: $input) {
      file { id isPublic url(disposition: ATTACHMENT) }
      userErrors { code message field }
    }
  }
`;

export const RENAME = `
  mutation Rename($input: RenameInput!) {
    rename(input: $input) {
      file { id name updatedAt }
      userErrors { code message field }
    }
  }
`;

export const DELETE = `
  mutation Delete($input: DeleteInput!) {
    delete(input: $input) {
      deletedFileId
      userErrors { code message field }
    }
  }
`;


/** Every query that a front end may have beside the list; they select other fields of the same objects. */
export const OTHERS = [
  'query Account { viewer { id email createdAt usage { fileCount } } limits { uploadBytes } }',
  'query Space { viewer { id usage { bytes } } limits { pageSize uploadFiles } }',
  'query Mine { viewer { id files(first: 2) { edges { node { id name } } pageInfo { hasNextPage } } } }',
  'query Count { viewer { id files(first: 2) { totalCount nodes { id size } } } }',
  'query Links($id: ID!) { file(id: $id) { id thumbnails { size url } thumbnail(size: LARGE) { size url } } }',
  'query Sizes($id: ID!) { file(id: $id) { id thumbnails { size width height } thumbnail(size: LARGE) { mediaType bytes } } }',
  'query Place($id: ID!) { file(id: $id) { id parent { id name } ancestors { id name } owner { id email } } }',
  'query Inside($id: ID!) { file(id: $id) { id children { edges { cursor node { id name } } pageInfo { endCursor } } } }',
  'query Within($id: ID!) { file(id: $id) { id children { totalCount edges { cursor node { id kind } } } } }',
  'query Any($id: ID!) { node(id: $id) { __typename id ... on File { name isPublic } ... on User { createdAt } } }',
];

/** Uploads text files of these names; gives their IDs. */
export async function notes(token, names) {
  const ids = [];
  for (const name of names) ids.push((await upload(token, name, note(name))).id);
  return ids;
}

/** The names of fifty files, in their order. */
export const FIFTY = Array.from({ length: 50 }, (_, index) => `file-${String(index).padStart(2, '0')}.txt`);

/** Uploads text files of these names, ten at a time. */
export async function fill(token, names = FIFTY, parentId = null) {
  const query = `
    mutation ($input: UploadManyInput!) {
      uploadMany(input: $input) { results { userErrors { code } } userErrors { code } }
    }
  `;
  for (let begin = 0; begin < names.length; begin += 10) {
    const ten = names.slice(begin, begin + 10);
    const form = new FormData();
    const input = { parentId, files: ten.map(() => ({ file: null })) };
    form.append('operations', JSON.stringify({ query, variables: { input } }));
    form.append('map', JSON.stringify(Object.fromEntries(ten.map((_, at) => [at, [`variables.input.files.${at}.file`]]))));
    for (const [at, name] of ten.entries()) form.append(String(at), note(name));
    const answer = await fetch(graphqlUrl, { method: 'POST', headers: bearer(token), body: form });
    const { data } = await answer.json();
    assert.deepEqual(data.uploadMany, { results: ten.map(() => ({ userErrors: [] })), userErrors: [] });
  }
}

/** Makes a folder; gives its ID. */
export async function folder(token, name) {
  const query = 'mutation ($input: CreateFolderInput!) { createFolder(input: $input) { folder { id } } }';
  const { data } = await post(query, { input: { name } }, token);
  return data.createFolder.folder.id;
}

/** Uploads an image and waits for its thumbnails; gives its ID. */
export async function readyPhoto(token, name, blob, input) {
  const { id } = await upload(token, name, blob, input);
  await settled(token, id);
  return id;
}

/** The schema that clients are promised. */
export async function schema() {
  return buildSchema(await readFile(new URL('../../../../schema.graphql', import.meta.url), 'utf8'));
}

/** As clients load it. */
export const introspection = async () => introspectionFromSchema(await schema());

/** The object types that a cache cannot tell apart by an ID. Those that stand in no cached object are left out: payloads. */
export async function typesWithoutId() {
  return Object.values((await schema()).getTypeMap())
    .filter((type) => isObjectType(type) && !type.name.startsWith('__') && !type.getFields().id)
    .map(({ name }) => name)
    .filter((name) => !/^(Query|Mutation|Subscription|UserError|.*Payload)$/.test(name))
    .sort();
}
