// What a front end hears when its session ends, with the clients as docs/recipes set them up: `node session_ends.mjs apollo
// TOKEN`. Copied beside them and run by test_recipes.py, which reads what it prints.

import WebSocket from 'ws';

const [which, token] = process.argv.slice(2);
const url = process.env.STRONGROOM_URL;
const { createStrongroomClient } = await import(`./${which}-client.mjs`);
const { gql } = await import(which === 'apollo' ? '@apollo/client' : '@urql/core');

const FILES = gql`
  query Files { files { totalCount } }
`;
const THUMBNAIL_READY = gql`
  subscription ThumbnailReady { thumbnailReady { id } }
`;

/** A client whose session has this token; `ended` resolves when it hears that the session has ended. */
function start(token) {
  const session = { token };
  const ended = new Promise((resolve) => (session.ended = resolve));
  const made = createStrongroomClient({ url, session, webSocketImpl: WebSocket });
  const client = made.client ?? made;
  return {
    ended,
    session,
    // Errors are not what is looked for here; the client is to tell of the session besides.
    query: () => (which === 'apollo' ? client.query({ query: FILES }).catch(() => {}) : client.query(FILES, {}).toPromise()),
    subscribe: () =>
      which === 'apollo'
        ? client.subscribe({ query: THUMBNAIL_READY }).subscribe({ error: () => {} })
        : client.subscription(THUMBNAIL_READY, {}).subscribe(() => {}),
  };
}

// A token that is none.
let front = start('made up');
await Promise.all([front.query(), front.ended]);
console.log('a query with a wrong token: ended');

front = start('made up');
front.subscribe();
await front.ended;
console.log('a subscription with a wrong token: ended');

// A session that ends while a subscription is open.
front = start(token);
await front.query();
front.subscribe();
const authorization = `Bearer ${token}`;
await fetch(`${url}/graphql`, {
  method: 'POST',
  headers: { authorization, 'content-type': 'application/json' },
  body: JSON.stringify({ query: 'mutation { logout { userErrors { code } } }' }),
});
await front.ended;
console.log('a logout while a subscription is open: ended');
process.exit();
