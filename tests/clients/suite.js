// Runs every client against the program on each back end, and counts. `run` beside it prepares what this needs.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { root, startMongodb, startProgram, startRedis } from './servers.js';

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    backend: { type: 'string' },
    only: { type: 'string' },
    name: { type: 'string' },
  },
});
if (wanted.length > 0 || options.name) options.only ??= 'node';
const here = join(root, 'tests/clients');

// The command ends when this process is gone, with everything that it started, being of its group; and with it goes the
// folder for its temporary files.
const guard = `
exec 3<&0
export TMPDIR=$1 && shift
"$@" </dev/null & command=$!
{ trap '' TERM; cat; kill -TERM 0; rm -rf "$TMPDIR"; } <&3 >/dev/null &
wait $command
`;

/** Runs a command to its end. Answers its exit status and what it printed, which is shown as it comes. */
async function finished(command, env) {
  const folder = await mkdtemp(join(tmpdir(), 'strongroom-clients-'));
  return new Promise((resolve, reject) => {
    const shell = spawn('sh', ['-c', guard, 'guard', folder, ...command], {
      cwd: root,
      detached: true,
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let output = '';
    shell.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      process.stdout.write(text);
    });
    shell.once('error', reject);
    shell.once('exit', () => shell.stdin.end());
    shell.once('close', (status) => resolve({ status: status ?? 1, output }));
  });
}

/** The last number that this expression finds. */
const last = (output, expression) => Number([...output.matchAll(expression)].at(-1)?.[1] ?? 0);

/** Each kind of client: how it is run, and how its output is counted. */
const kinds = {
  node: {
    command() {
      const files = readdirSync(join(here, 'node'))
        .filter((file) => file.endsWith('.test.js'))
        .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
        .map((file) => join(here, 'node', file));
      const pattern = options.name ? [`--test-name-pattern=${options.name}`] : [];
      const fixed = ['--test', '--test-concurrency=2', '--test-timeout=120000', '--test-reporter=spec', ...pattern];
      return files.length > 0 && [process.execPath, ...fixed, ...files];
    },
    count(output) {
      const of = (what) => last(output, new RegExp(`^ℹ ${what} (\\d+)$`, 'gm'));
      // Whatever did not pass has failed. Nothing may be skipped, but what --name passes over.
      const passedOver = options.name ? of('skipped') : 0;
      return { passed: of('pass'), failed: of('tests') - of('pass') - passedOver };
    },
  },
  python: script('python'),
  recipes: script('recipes'),
};

/** A folder whose `run` says at its end "N passed, N failed". */
function script(name) {
  const run = join(here, name, 'run');
  return {
    command: () => existsSync(run) && [run],
    count: (output) => ({
      passed: last(output, /(\d+) passed, \d+ failed/g),
      failed: last(output, /\d+ passed, (\d+) failed/g),
    }),
  };
}

/** What the servers back end needs, and the settings that name it. Nothing for the embedded one. */
async function stores(backend) {
  if (backend === 'embedded') return { settings: {}, end: async () => {} };
  const given = [process.env.TEST_MONGODB_URL, process.env.TEST_REDIS_URL];
  const started = await Promise.all([startMongodb, startRedis].map((start, index) => !given[index] && start()));
  const [mongodb, redis] = started.map((server, index) => given[index] || server.url);
  // Others may use them too.
  const name = `clients${randomBytes(8).toString('hex')}`;
  return {
    settings: {
      'store.backend': 'servers',
      'store.mongodb_url': mongodb,
      'store.mongodb_database': name,
      'store.redis_url': redis,
      'store.redis_prefix': name,
    },
    end: () => Promise.all(started.map((server) => server && server.end())),
  };
}

const total = { passed: 0, failed: 0 };

for (const backend of ['embedded', 'servers'].filter((name) => name === (options.backend ?? name))) {
  const behind = await stores(backend);
  const server = await startProgram({ settings: behind.settings });
  const env = { STRONGROOM_URL: server.url, STRONGROOM_BACKEND: backend };
  for (const [kind, { command, count }] of Object.entries(kinds)) {
    const line = kind === (options.only ?? kind) && command();
    if (!line) continue;
    const begun = Date.now();
    console.log(`\n=== ${kind} on the ${backend} back end`);
    const { status, output } = await finished(line, env);
    const { passed, failed } = count(output);
    // One that fails without a count (it could not start, say) counts for one.
    total.passed += passed;
    total.failed += failed || (status === 0 && passed > 0 ? 0 : 1);
    const seconds = ((Date.now() - begun) / 1000).toFixed(1);
    console.log(`--- ${kind} on the ${backend} back end: ${passed} passed, ${failed} failed, ${seconds} s`);
    const warnings = server.log.filter((line) => /^\S+ +(WARN|ERROR) /.test(line));
    if (status !== 0 && warnings.length > 0) console.log(`The server warned:\n${warnings.join('\n')}`);
  }
  await server.end();
  await behind.end();
}

console.log(`\nclients: ${total.passed} passed, ${total.failed} failed`);
// To have found nothing is no success.
process.exitCode = total.passed > 0 && total.failed === 0 ? 0 : 1;
