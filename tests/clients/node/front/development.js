// Makes Node look like the browser of somebody who develops a front end. Import it before a client.

import WebSocket from 'ws';

// Apollo Client warns of what it warns of on its users' machines.
globalThis.__DEV__ = true;
// Browsers have one, Node 20 has none, and Apollo Client asks for it when a socket fails.
globalThis.WebSocket = WebSocket;
