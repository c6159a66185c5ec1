// urql, put together as we recommend it to front ends.

import './development.js';

import assert from 'node:assert/strict';
import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { createClient } from 'graphql-ws';
import { onEnd, pipe, subscribe } from 'wonka';

import { bearer, graphqlUrl } from '../support.js';
import { introspection } from './lists.js';
import { Seen } from './seen.js';
import { traffic } from './traffic.js';

const embedded = () => null;

const pages = relayPagination();

/** A list in pages. By itself `relayPagination` loses one that is null, and one that is asked for without any argument. */
const list = (parent, args, cache, info) =>
  pages(parent, args, cache, info) ?? cache.resolve(info.parentKey, info.parentFieldKey);

/** Takes a deleted file out of every list of the root, then out of the cache. */
function forget({ delete: { deletedFileId } }, _, cache) {
  if (!deletedFileId) return;
  const file = cache.keyOfEntity({ __typename: 'File', id: deletedFileId });
  for (const { fieldName, fieldKey } of cache.inspectFields('Query')) {
    const connection = fieldName === 'files' && cache.resolve('Query', fieldKey);
    const edges = connection && cache.resolve(connection, 'edges');
    if (edges) cache.link(connection, 'edges', edges.filter((edge) => cache.resolve(edge, 'node') !== file));
  }
  cache.invalidate(file);
}

/** What the normalised cache has to know of the schema. */
export const cacheSettings = {
  schema: await introspection(),
  // They have no ID: they belong to the object that they stand in.
  keys: {
    FileConnection: embedded,
    FileEdge: embedded,
    Limits: embedded,
    PageInfo: embedded,
    Thumbnail: embedded,
    Usage: embedded,
  },
  resolvers: {
    Query: { files: list, file: (_, { id }) => ({ __typename: 'File', id }) },
    User: { files: list },
    File: { children: list },
  },
  updates: { Mutation: { delete: forget } },
};

/**
 * A client. `session.token` may change at any time. `cache` is the cache exchange, `before` are exchanges in front of it;
 * `subscribeBy` is `websocket`, `events` (text/event-stream) or `parts` (multipart/mixed); the rest are options of urql.
 */
export function urql(session = {}, settings = {}) {
  const { uri = graphqlUrl, cache = cacheExchange(cacheSettings), before = [], subscribeBy = 'websocket', ...options } = settings;
  const { fetch, requests } = traffic();
  const sockets = createClient({
    url: uri.replace(/^http/, 'ws'),
    connectionParams: () => bearer(session.token),
    retryAttempts: 0,
  });
  const overSocket = subscriptionExchange({
    forwardSubscription: ({ query, variables, operationName }) => ({
      subscribe: (sink) => ({ unsubscribe: sockets.subscribe({ query, variables, operationName }, sink) }),
    }),
  });
  const client = new Client({
    url: uri,
    fetch,
    fetchOptions: () => ({ headers: bearer(session.token) }),
    fetchSubscriptions: subscribeBy !== 'websocket',
    exchanges: [...before, cache, fetchExchange, ...(subscribeBy === 'websocket' ? [overSocket] : [])],
    ...options,
  });
  // urql asks for events first, and then for parts; who wants parts has to say so.
  const accept = subscribeBy === 'parts' && { accept: 'multipart/mixed;subscriptionSpec=1.0' };
  const subscription = (query, variables) =>
    client.subscription(query, variables, { fetchOptions: { headers: { ...bearer(session.token), ...accept } } });
  return { client, requests, sockets, session, subscription };
}

/** What a query or a subscription gives. */
export function watch(source) {
  const seen = new Seen();
  const subscription = pipe(source, onEnd(seen.complete), subscribe(seen.next));
  seen.stop = () => subscription.unsubscribe();
  return seen;
}

/** The code of a GraphQL error. Fails when the client saw another kind, such as a network error. */
export function codeOf(error) {
  assert.ok(error, 'there is no error');
  assert.equal(error.networkError, undefined, `not an error of GraphQL: ${error.networkError?.stack}`);
  return error.graphQLErrors[0].extensions.code;
}
