// A TCP relay in front of the server that lets the beginning of a request through and holds back the rest.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * Listens on a port of its own. `reached` resolves when `bytes` of a connection have arrived; what follows is withheld
 * from the server. `over` resolves when the client has gone and the server has let go of the connection.
 */
export async function bottleneck(target, bytes = Infinity) {
  const { hostname, port } = new URL(target);
  let reach, finish;
  const reached = new Promise((resolve) => (reach = resolve));
  const over = new Promise((resolve) => (finish = resolve));
  const open = new Set();
  const relay = createServer((client) => {
    const server = connect(Number(port), hostname);
    open.add(client).add(server);
    let passed = 0;
    client.on('data', (chunk) => {
      // Read on, or the end of the connection would not show.
      if (passed < bytes) server.write(chunk);
      passed += chunk.length;
      if (passed >= bytes) reach();
    });
    server.on('data', (chunk) => client.write(chunk));
    client.on('error', () => {});
    client.on('close', () => server.end());
    server.on('error', () => {});
    server.on('close', () => {
      client.destroy();
      finish();
    });
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  return {
    url: `http://127.0.0.1:${relay.address().port}`,
    reached,
    over,
    close() {
      for (const socket of open) socket.destroy();
      relay.close();
    },
  };
}
