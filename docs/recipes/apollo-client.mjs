// Apollo Client 4 for Strongroom, in browsers and in Node. Copy this file into your project:
//
//   npm install @apollo/client apollo-upload-client graphql graphql-ws rxjs
//
// apollo.mjs beside it shows what one does with it.

import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { ErrorLink } from '@apollo/client/link/error';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import UploadHttpLink from 'apollo-upload-client/UploadHttpLink.mjs';
import { createClient as createSocket } from 'graphql-ws';

// The cache ----------------------------------------------------------------------------------------------------------

// Files, folders and users have an ID, and the cache keeps each of them once: a mutation or an event that selects `id`
// updates every list. The few types without one need a word each.
export const cacheSettings = {
  possibleTypes: { Node: ['File', 'User'] },
  typePolicies: {
    // Lists: pages that follow one another become one list, and there is a list for each folder, filter and order.
    Query: { fields: { files: pages(['parentId', 'filter', 'orderBy']) } },
    User: { fields: { files: pages(['filter', 'orderBy']) } },
    File: { fields: { children: pages(['filter', 'orderBy']), thumbnails: { merge: thumbnailsBySize } } },
    // These belong to the object they stand in. Without `merge`, a query that selects other fields of them would throw
    // away what is known.
    Limits: { merge: true },
    Thumbnail: { merge: true },
    Usage: { merge: true },
  },
};

// `relayStylePagination` takes null (the children of what is no folder) for an empty list.
function pages(keyArgs) {
  const policy = relayStylePagination(keyArgs);
  return { ...policy, merge: (known, incoming, options) => incoming && policy.merge(known, incoming, options) };
}

function thumbnailsBySize(known = [], incoming, { mergeObjects, readField }) {
  const bySize = new Map(known.map((thumbnail) => [readField('size', thumbnail), thumbnail]));
  return incoming.map((thumbnail) => {
    const same = bySize.get(readField('size', thumbnail));
    return same ? mergeObjects(same, thumbnail) : thumbnail;
  });
}

// The client ---------------------------------------------------------------------------------------------------------

/** The code with which the server closes a WebSocket whose token is wrong, or whose session has ended. */
const SESSION_ENDED = 4403;

/**
 * A client for the server at `url`.
 *
 * `session.token` is read anew for every request: set it after a login. `session.ended()` is called when the server no
 * longer takes it (it has expired, or somebody has logged out or changed the password): show the login page.
 * `webSocketImpl` is needed in Node before version 22, which has no WebSocket of its own.
 */
export function createStrongroomClient({ url, session, webSocketImpl }) {
  const uri = `${url}/graphql`;
  const authorization = () => (session.token ? { authorization: `Bearer ${session.token}` } : {});

  const socket = createSocket({
    url: uri.replace(/^http/, 'ws'),
    webSocketImpl,
    connectionParams: authorization,
    // Another try with the same token would end in the same way. Every other close is a matter of the network.
    shouldRetry: (event) => event.code !== SESSION_ENDED,
    on: { closed: (event) => event.code === SESSION_ENDED && session.ended() },
  });

  const client = new ApolloClient({
    cache: new InMemoryCache(cacheSettings),
    link: ApolloLink.from([
      new ErrorLink(({ error }) => {
        if (codeOf(error) === 'UNAUTHENTICATED') session.ended();
      }),
      new SetContextLink(({ headers }) => ({ headers: { ...headers, ...authorization() } })),
      ApolloLink.split(
        ({ operationType }) => operationType === 'subscription',
        new GraphQLWsLink(socket),
        // Sends variables that are files as a GraphQL multipart request, and everything else as JSON. The header shows
        // the server that no other site has tricked the browser into it.
        new UploadHttpLink({ uri, headers: { 'Apollo-Require-Preflight': 'true' } }),
      ),
    ]),
  });
  return { client, close: () => socket.dispose() };
}

// Errors -------------------------------------------------------------------------------------------------------------

/** What the user can put right, from `userErrors`: `code` for programs, `message` for people, `field` for the form. */
export class Refused extends Error {
  constructor({ code, message, field }) {
    super(message);
    Object.assign(this, { name: 'Refused', code, field });
  }
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
  if (CombinedGraphQLErrors.is(error)) return error.errors[0].extensions?.code;
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
  const { data } = await client.mutate({ mutation: REFRESH });
  const { token, expiresAt } = done(data.refresh);
  session.token = token;
  return new Date(expiresAt);
}
