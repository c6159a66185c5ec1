// Starts GraphiQL with this server's API. What its “Headers” hold goes into the requests, and opens the WebSockets of subscriptions.

/* global GraphiQL, React, ReactDOM */
const endpoint = `${location.origin}/graphql`;
if (typeof GraphiQL === 'undefined') {
  document.querySelector('#graphiql p').textContent =
    'GraphiQL could not be loaded: the CDN is not within reach, or what it sent is not what it should be. The explorer of the console needs neither.';
  throw new Error('GraphiQL could not be loaded from the CDN.');
}
const fetcher = GraphiQL.createFetcher({
  url: endpoint,
  subscriptionUrl: endpoint.replace(/^http/, 'ws'),
  headers: { 'GraphQL-Preflight': '1' },
});
ReactDOM.createRoot(document.getElementById('graphiql')).render(
  // Headers hold a token: they are not kept.
  React.createElement(GraphiQL, { fetcher, shouldPersistHeaders: false, defaultEditorToolsVisibility: 'headers', isHeadersEditorEnabled: true }),
);
