// GraphQL over HTTP, as the audits of the package graphql-http check it.

import assert from 'node:assert/strict';
import test from 'node:test';

import { auditServer, serverAudits } from 'graphql-http';

import { graphqlUrl } from './support.js';

/** How many this version of the package has. A newer one may have more, not fewer. */
const known = 61;

test('every audit of graphql-http passes, the optional ones too', async () => {
  const results = await auditServer({ url: graphqlUrl });
  assert(results.length >= known, `there are only ${results.length} audits`);
  assert.equal(results.length, serverAudits({ url: graphqlUrl }).length);
  const failed = [];
  for (const { id, name, status, reason, response } of results) {
    if (status === 'ok') continue;
    const headers = response && JSON.stringify(Object.fromEntries(response.headers));
    failed.push(`${id} ${name}: ${status}, ${reason} (${response?.status} ${headers} ${await response?.text()})`);
  }
  assert.equal(failed.length, 0, `${failed.length} of ${results.length} failed:\n${failed.join('\n')}`);
});
