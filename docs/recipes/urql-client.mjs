// urql for Strongroom, in browsers and in Node. Copy this file into your project:
//
//   npm install @urql/core @urql/exchange-graphcache graphql
//
// urql.mjs beside it shows what one does with it. (`urql`, `@urql/vue`, `@urql/svelte` and the like come with @urql/core.)

import { Client, CombinedError, fetchExchange, gql, mapExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';

// The cache ----------------------------------------------------------------------------------------------------------

const embedded = () => null;

// Files, folders and users have an ID, and the cache keeps each of them once: a mutation or an event that selects `id`
// updates every list. The few types without one need a word each.
export const cacheSettings = {
  // These belong to the object they stand in. Without this, the cache warns that it cannot tell them apart.
  keys: {
    FileConnection: embedded,
    FileEdge: embedded,
    Limits: embedded,
    PageInfo: embedded,
    Thumbnail: embedded,
    Usage: embedded,
  },
  resolvers: {
    // Lists: pages that follow one another become one list, and there is a list for each folder, filter and order.
    Query: { files: list, file: (_, { id }) => ({ __typename: 'File', id }) },
    User: { files: list },
    File: { children: list },
  },
  updates: { Mutation: { delete: forget } },
};

const pages = relayPagination();

// `relayPagination` loses a list that is null (the children of what is no folder) or that is asked for without arguments.
function list(parent, args, cache, info) {
  return pages(parent, args, cache, info) ?? cache.resolve(info.parentKey, info.parentFieldKey);
}

// Takes what was deleted out of the lists of `Query.files`, and then out of the cache.
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

// The client ---------------------------------------------------------------------------------------------------------

/**
 * A client for the server at `url`.
 *
 * `session.token` is read anew for every request: set it after a login. `session.ended()` is called when the server no
 * longer takes it (it has expired, or somebody has logged out or changed the password): show the login page.
 */
export function createStrongroomClient({ url, session }) {
  const authorization = () => (session.token ? { authorization: `Bearer ${session.token}` } : {});
  return new Client({
    url: `${url}/graphql`,
    // The first header shows the server that no other site has tricked the browser into an upload.
    fetchOptions: () => ({ headers: { 'GraphQL-Preflight': 'true', ...authorization() } }),
    // By itself urql sends queries by GET, and what stands in a URL ends up in the logs of proxies.
    preferGetMethod: false,
    // Subscriptions come over HTTP, as `text/event-stream`. Where many are open at once, take graphql-ws instead, as
    // apollo-client.mjs does: over HTTP/1.1 a browser has six connections to a server, and these would hold them.
    fetchSubscriptions: true,
    exchanges: [
      mapExchange({
        onError(error) {
          if (codeOf(error) === 'UNAUTHENTICATED') session.ended();
        },
      }),
      cacheExchange(cacheSettings),
      // Sends variables that are files as a GraphQL multipart request, and everything else as JSON.
      fetchExchange,
    ],
  });
}

// Errors -------------------------------------------------------------------------------------------------------------

/** What the user can put right, from `userErrors`: `code` for programs, `message` for people, `field` for the form. */
export class Refused extends Error {
  constructor({ code, message, field }) {
    super(message);
    Object.assign(this, { name: 'Refused', code, field });
  }
}

/** The data of a result; urql does not throw by itself. */
export function answer({ data, error }) {
  if (error) throw error;
  return data;
}

/** The payload of a mutation that has done what it was asked. */
export function done(payload) {
  if (payload.userErrors.length > 0) throw new Refused(payload.userErrors[0]);
  return payload;
}

/**
 * The code of an error, whichever way it came; undefined when the server has not answered at all. New codes may be added
 * to the API: have a default case.
 */
export function codeOf(error) {
  if (error instanceof Refused) return error.code;
  if (error instanceof CombinedError) return error.graphQLErrors[0]?.extensions.code;
  return undefined;
}

// Staying signed in --------------------------------------------------------------------------------------------------

const REFRESH = gql`
  mutation Refresh {
    refresh { token expiresAt userErrors { code message field } }
  }
`;

/**
 * Changes the token for a fresh one. Call it long before `expiresAt`, once an hour say: a token that has expired is
 * good for nothing any more. The session stays the same, so the cache and open subscriptions do, too.
 */
export async function refresh(client, session) {
  const { token, expiresAt } = done(answer(await client.mutation(REFRESH, {})).refresh);
  session.token = token;
  return new Date(expiresAt);
}
