// A TCP relay in front of the server: it can hold back the rest of a request, and it sees what is sent beside the results.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * Listens on a port of its own. `reached` resolves when `bytes` of a connection have arrived; what follows is withheld
 * from the server. `over` resolves when the client has gone and the server has let go of the connection. `sent(text,
 * times)` resolves when the server has sent this text so many times.
 */
export async function bottleneck(target, bytes = Infinity) {
  const { hostname, port } = new URL(target);
  let reach, finish;
  const reached = new Promise((resolve) => (reach = resolve));
  const over = new Promise((resolve) => (finish = resolve));
  const open = new Set();
  let answers = '';
  let look = () => {};
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
    server.on('data', (chunk) => {
      client.write(chunk);
      answers += chunk.toString('latin1');
      look();
    });
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
    sent: (text, times) =>
      new Promise((resolve) => {
        look = () => answers.split(text).length > times && resolve();
        look();
      }),
    close() {
      for (const socket of open) socket.destroy();
      relay.close();
    },
  };
}
