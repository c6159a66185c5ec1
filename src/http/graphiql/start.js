// Starts GraphiQL with this server's API. What its “Headers” hold goes into the requests, and opens the WebSockets of subscriptions.

/* global GraphiQL, React, ReactDOM */
const endpoint = `${location.origin}/graphql`;
const fetcher = GraphiQL.createFetcher({
  url: endpoint,
  subscriptionUrl: endpoint.replace(/^http/, 'ws'),
  headers: { 'GraphQL-Preflight': '1' },
});
ReactDOM.createRoot(document.getElementById('graphiql')).render(
  // Headers hold a token: they are not kept.
  React.createElement(GraphiQL, { fetcher, shouldPersistHeaders: false, defaultEditorToolsVisibility: 'headers', isHeadersEditorEnabled: true }),
);
