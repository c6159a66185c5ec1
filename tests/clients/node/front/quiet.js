// Hears what a client says on the console: with the settings we recommend it has nothing to say.

import assert from 'node:assert/strict';
import { after } from 'node:test';

/** From now on every warning of this process is kept, and at the end of the file there must be none. */
export function noWarnings() {
  const said = [];
  for (const level of ['warn', 'error']) {
    console[level] = (...words) => said.push(`${level}: ${words.join(' ')}`);
  }
  after(() => assert.deepEqual(said, []));
  return said;
}
