// Apollo Client, put together as we recommend it to front ends.

import './development.js';

import assert from 'node:assert/strict';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, InMemoryCache } from '@apollo/client';
import { loadDevMessages, loadErrorMessages } from '@apollo/client/dev';
import { SetContextLink } from '@apollo/client/link/context';
import { ErrorLink } from '@apollo/client/link/error';
import { HttpLink } from '@apollo/client/link/http';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import UploadHttpLink from 'apollo-upload-client/UploadHttpLink.mjs';
import { createClient } from 'graphql-ws';

import { bearer, graphqlUrl } from '../support.js';
import { Seen } from './seen.js';
import { traffic } from './traffic.js';

loadDevMessages();
loadErrorMessages();

/** Lists of thumbnails are always merged size by size: what one query selected of them stays when another comes. */
function thumbnailsBySize(existing = [], incoming, { mergeObjects, readField }) {
  const known = new Map(existing.map((thumbnail) => [readField('size', thumbnail), thumbnail]));
  return incoming.map((thumbnail) => {
    const same = known.get(readField('size', thumbnail));
    return same ? mergeObjects(same, thumbnail) : thumbnail;
  });
}

/** A list in pages. By itself `relayStylePagination` makes an empty list of null, as the children of what is no folder. */
function pages(keyArgs) {
  const policy = relayStylePagination(keyArgs);
  return { ...policy, merge: (existing, incoming, options) => incoming && policy.merge(existing, incoming, options) };
}

/** What the cache has to know of the schema. */
export const cacheSettings = {
  possibleTypes: { Node: ['File', 'User'] },
  typePolicies: {
    Query: { fields: { files: pages(['parentId', 'filter', 'orderBy']) } },
    User: { fields: { files: pages(['filter', 'orderBy']) } },
    File: {
      fields: {
        children: pages(['filter', 'orderBy']),
        thumbnails: { merge: thumbnailsBySize },
      },
    },
    // They have no ID: they are merged into the object that they stand in.
    Limits: { merge: true },
    Thumbnail: { merge: true },
    Usage: { merge: true },
  },
};

/**
 * A client. `session.token` may change at any time. `onError` is the handler of the ErrorLink; `http` are options of the
 * HTTP link; `before` are links in front of the last one; `subscribeBy` is `websocket` or `multipart`.
 */
export function apollo(session = {}, settings = {}) {
  const { uri = graphqlUrl, onError = () => {}, http = {}, before = [], subscribeBy = 'websocket' } = settings;
  const { fetch, requests } = traffic();
  const sockets = createClient({
    url: uri.replace(/^http/, 'ws'),
    connectionParams: () => bearer(session.token),
    retryAttempts: 0,
  });
  const withToken = new SetContextLink(({ headers }) => ({ headers: { ...headers, ...bearer(session.token) } }));
  const options = { uri, fetch, headers: { 'Apollo-Require-Preflight': 'true' }, ...http };
  const client = new ApolloClient({
    cache: new InMemoryCache(cacheSettings),
    link: ApolloLink.from([
      new ErrorLink(onError),
      withToken,
      ...before,
      ApolloLink.split(
        ({ operationType }) => operationType === 'subscription',
        subscribeBy === 'websocket' ? new GraphQLWsLink(sockets) : new HttpLink(options),
        new UploadHttpLink(options),
      ),
    ]),
  });
  return { client, requests, sockets, session };
}

/** What a query or a subscription gives. */
export function watch(observable) {
  const seen = new Seen();
  const subscription = observable.subscribe({ next: seen.next, error: seen.fail, complete: seen.complete });
  seen.stop = () => subscription.unsubscribe();
  return seen;
}

/** The code of a GraphQL error. Fails when the client saw another kind, such as a network error. */
export function codeOf(error) {
  assert.ok(CombinedGraphQLErrors.is(error), `not an error of GraphQL: ${error?.stack ?? error}`);
  return error.errors[0].extensions.code;
}
