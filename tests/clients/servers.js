// Starts the program, MongoDB and Redis, on free ports of the loopback interface, each in a temporary folder of its own.
// They end with the process that started them, however that ends, and their folders go with them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The built program. */
export const program = process.env.STRONGROOM_BIN ?? join(root, 'target/debug/strongroom');

/** Settings that make tests quick, and that let one address do what a thousand people would. */
const quick = {
  'accounts.argon2_memory': 8,
  'accounts.argon2_passes': 1,
  'accounts.secret': 'a7b19f03c4d5e6f7089a1b2c3d4e5f60',
  'accounts.registrations_address': 100000,
  'accounts.login_tries_address': 100000,
  'limits.sockets_per_user': 200,
  'thumbnails.lease': '1s',
  'thumbnails.repair_interval': '1s',
  'thumbnails.slots': 2,
  'server.metrics_bind': '',
};

// The end of standard input comes when whoever holds the other end is gone, even by SIGKILL.
const guard = `
cd "$1" && shift
while read -r order; do
    case $order in
    start) { "$@" 2>&1 </dev/null & echo $! >pid; wait $!; status=$?; rm pid; echo "ended with $status"; } 2>/dev/null & ;;
    stop) kill -TERM "$(cat pid)" ;;
    esac
done
[ ! -e pid ] || kill -KILL "$(cat pid)"
wait
folder=$PWD; cd / && rm -rf "$folder"
`;

/** How long a server may take to start or to stop, in milliseconds. Tens are usual. */
const patience = 30_000;

/** How many lines of a log are kept. */
const kept = 500;

/** A server program. It can be stopped and started again with the data that it had. */
export class Server {
  /** The lines that it wrote last. */
  log = [];
  #ready;
  #shell;
  #waiting = null;

  constructor(shell, ready) {
    this.#shell = shell;
    this.#ready = ready;
    createInterface(shell.stdout).on('line', (line) => {
      this.log.push(line);
      if (this.log.length > kept) this.log.shift();
      this.#waiting?.(line);
    });
  }

  /**
   * Starts a program in this folder, which goes with it, and waits for the line that matches `ready`.
   */
  static async start({ folder, command, env = {}, ready }) {
    folder ??= await newFolder();
    // In a session of its own: Ctrl-C in the terminal reaches whoever started it, and that one ends it.
    const shell = spawn('sh', ['-c', guard, 'guard', folder, ...command], {
      detached: true,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    shell.stdin.on('error', () => {});
    const server = new Server(shell, ready);
    await server.start();
    return server;
  }

  /** Starts it again. Answers what `ready` matched. */
  async start() {
    this.ready = await this.#order('start', (line) => {
      if (/^ended with /.test(line)) throw new Error('it ended');
      return this.#ready.exec(line);
    });
  }

  /** Stops it with SIGTERM, and waits until it is gone. Answers its exit status. */
  async stop() {
    const ended = await this.#order('stop', (line) => /^ended with (\d+)$/.exec(line));
    return Number(ended[1]);
  }

  /** Kills it and removes its folder. */
  async end() {
    this.#hold(true);
    const gone = once(this.#shell, 'exit');
    this.#shell.stdin.end();
    await gone;
  }

  async #order(order, find) {
    let late;
    this.#hold(true);
    try {
      return await new Promise((resolve, reject) => {
        late = setTimeout(() => reject(new Error(`nothing after ${patience} ms`)), patience);
        this.#waiting = (line) => {
          try {
            const found = find(line);
            if (found) resolve(found);
          } catch (problem) {
            reject(problem);
          }
        };
        this.#shell.once('exit', () => reject(new Error('its guard ended')));
        this.#shell.stdin.write(`${order}\n`);
      });
    } catch (problem) {
      throw new Error(`${order}: ${problem.message}. Its log:\n${this.log.join('\n')}`);
    } finally {
      clearTimeout(late);
      this.#waiting = null;
      this.#hold(false);
    }
  }

  /** Whether this process stays for it. A test that forgets a server ends all the same, and the server with it. */
  #hold(held) {
    for (const part of [this.#shell, this.#shell.stdin, this.#shell.stdout]) held ? part.ref() : part.unref();
  }
}

const newFolder = () => mkdtemp(join(tmpdir(), 'strongroom-clients-'));

/** A port that was free a moment ago. */
async function freePort() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}

/**
 * Starts the program and waits until it serves. Answers the server with its `url`.
 * `settings` are those of config.default.toml, e.g. `{ 'server.mode': 'production' }`; `args` come after `serve`.
 */
export async function startProgram({ settings = {}, args = [] } = {}) {
  const port = await freePort();
  const folder = await newFolder();
  const data = join(folder, 'data');
  const places = { 'server.bind': `127.0.0.1:${port}`, 'store.data_dir': data, 'blobs.dir': join(data, 'blobs') };
  const all = { ...places, ...quick, ...settings };
  const env = {};
  for (const [key, value] of Object.entries(all)) {
    env[`STRONGROOM__${key.replaceAll('.', '__').toUpperCase()}`] = String(value);
  }
  const server = await Server.start({ folder, command: [program, 'serve', ...args], env, ready: /is ready/ });
  server.url = `http://127.0.0.1:${port}`;
  return server;
}

/** Starts MongoDB. Answers the server with its `url`. */
export async function startMongodb() {
  const mongod = join(root, '.servers/mongod');
  const options = '--port 0 --bind_ip 127.0.0.1 --dbpath . --wiredTigerCacheSizeGB 0.5 --nounixsocket'.split(' ');
  const server = await Server.start({ command: [mongod, ...options], ready: /Waiting for connections.*"port":(\d+)/ });
  server.url = `mongodb://127.0.0.1:${server.ready[1]}`;
  return server;
}

/** Starts Redis. Answers the server with its `url`. */
export async function startRedis() {
  const port = String(await freePort());
  const command = [join(root, '.servers/redis-server'), '--bind', '127.0.0.1', '--port', port, '--save', ''];
  const server = await Server.start({ command, ready: /Ready to accept connections/ });
  server.url = `redis://127.0.0.1:${port}`;
  return server;
}
