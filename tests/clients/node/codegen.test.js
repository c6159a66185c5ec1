// graphql-codegen makes types of the schema, and TypeScript takes a front end that uses them.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { root } from '../servers.js';
import { graphqlUrl, newUser, photo, settled, upload } from './support.js';

const require = createRequire(import.meta.url);

/** Runs a program of a package in the project. What it prints is in the error when it fails. */
async function run(package_, program, ...args) {
  const described = require.resolve(`${package_}/package.json`);
  const path = join(dirname(described), require(described).bin[program]);
  try {
    return await promisify(execFile)(process.execPath, [path, ...args], { cwd: project });
  } catch (failed) {
    assert.fail(`${program} ${args.join(' ')}:\n${failed.stdout}\n${failed.stderr}`);
  }
}

let project;

before(async () => {
  project = await mkdtemp(join(tmpdir(), 'strongroom-codegen-'));
  await cp(new URL('codegen/', import.meta.url), project, { recursive: true });
  await cp(join(root, 'schema.graphql'), join(project, 'schema.graphql'));
  await symlink(fileURLToPath(new URL('../node_modules', import.meta.url)), join(project, 'node_modules'));
});
after(() => rm(project, { recursive: true, force: true }));

test('a front end with generated types is sound to tsc --strict, and does what it says', async () => {
  await run('@graphql-codegen/cli', 'graphql-codegen', '--config', 'codegen.json');
  // Every scalar has a type of its own: none is any.
  const types = await readFile(join(project, 'gql/graphql.ts'), 'utf8');
  assert(!/: any\b/.test(types));
  await run('typescript', 'tsc', '--project', 'tsconfig.json');

  const { token } = await newUser();
  const file = await upload(token, 'photo.png', photo());
  await settled(token, file.id);
  const { main } = await import(join(project, 'out/app.js'));
  assert.deepEqual(await main(graphqlUrl, token), [
    'folder FOLDER false false false',
    'photo.png IMAGE true true false',
  ]);
});
