// An operation as code to paste: for curl in a shell, and for Apollo and urql in Node (or, but for how a file is read, in a
// browser).

import { credentials, endpoint } from './client.js';

/** What somebody sends who has no token yet, and nothing else. */
const SIGNS_IN = /^mutation\b[^{]*\{\s*(?:login|register)\s*\([^()]*\)\s*\{(?:[^{}]|\{[^{}]*\})*\}\s*\}\s*$/;

/** The token that the code for an operation holds; null where there is none, or no need of one. */
export const tokenFor = ({ query }) => (SIGNS_IN.test(query) ? null : credentials.token);

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
/** In a template literal. */
const raw = (text) => text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${');
const indented = (text, by) => text.replaceAll('\n', `\n${' '.repeat(by)}`);

/** As a command for a POSIX shell. Files are taken from the folder that it is in. */
export function curl({ query, variables, files, kind }) {
  const token = tokenFor({ query });
  const lines = [`curl ${quoted(endpoint)}`];
  const operation = JSON.stringify({ query, variables });
  if (token) lines.push('-H "Authorization: Bearer $TOKEN"');
  if (kind === 'subscription') lines.push('-N', "-H 'Accept: text/event-stream'");
  const paths = Object.entries(files);
  if (paths.length === 0) {
    lines.push("-H 'Content-Type: application/json'", `-d ${quoted(operation)}`);
  } else {
    if (!token) lines.push("-H 'GraphQL-Preflight: 1'");
    const map = Object.fromEntries(paths.map(([path], index) => [index, [path]]));
    // Not -F, which reads ";type=" also within JSON.
    lines.push(`--form-string operations=${quoted(operation)}`, `--form-string map=${quoted(JSON.stringify(map))}`);
    // Quoted once for the shell, and once for curl, which reads commas and semicolons.
    paths.forEach(([, { name }], index) => lines.push(`-F ${quoted(`${index}=@"${name.replaceAll(/[\\"]/g, '\\$&')}"`)}`));
  }
  const given = token ? `TOKEN=${quoted(token)}\n` : '';
  return `${given}${lines.join(' \\\n  ')}\n`;
}

/** The variables as an expression, each file read from the folder that the program is in. */
function expression(variables, files) {
  const names = Object.entries(files).map(([path, { name }], index) => [path, `@file${index}@`, name]);
  const filled = structuredClone(variables);
  for (const [path, mark] of names) {
    const keys = path.split('.').slice(1);
    keys.slice(0, -1).reduce((value, key) => value[key], filled)[keys.at(-1)] = mark;
  }
  const text = JSON.stringify(filled, null, 2);
  return names.reduce((all, [, mark, name]) => all.replace(`"${mark}"`, () => `new File([await openAsBlob(${JSON.stringify(name)})], ${JSON.stringify(name)})`), text);
}

const openAsBlob = (files) => (Object.keys(files).length > 0 ? "import { openAsBlob } from 'node:fs';\n" : '');
const header = (token) => (token ? `{ authorization: ${JSON.stringify(`Bearer ${token}`)} }` : "{ 'graphql-preflight': '1' }");

/** As a module that uses Apollo Client 4. */
export function apollo({ query, variables, files, kind }) {
  const hasFiles = Object.keys(files).length > 0;
  const isMutation = query.startsWith('mutation');
  const link = hasFiles ? 'UploadHttpLink' : 'HttpLink';
  const packages = `@apollo/client graphql rxjs${hasFiles ? ' apollo-upload-client' : ''}`;
  const values = expression(variables, files);
  const [call, word] = isMutation ? ['mutate', 'mutation'] : ['query', 'query'];
  const use = kind === 'subscription'
    ? `client.subscribe({ query: operation, variables }).subscribe({
  next: ({ data, error }) => console.log(error ?? data),
  error: console.error,
});`
    : `const { data } = await client.${call}({ ${word}: operation, variables });
console.log(JSON.stringify(data, null, 2));
client.stop();`;
  return `// npm install ${packages}; save as operation.mjs
import { ApolloClient, InMemoryCache, gql${hasFiles ? '' : ', HttpLink'} } from '@apollo/client';
${hasFiles ? "import UploadHttpLink from 'apollo-upload-client/UploadHttpLink.mjs';\n" : ''}${openAsBlob(files)}
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: new ${link}({ uri: ${JSON.stringify(endpoint)}, headers: ${header(tokenFor({ query }))} }),
});
const operation = gql\`
  ${indented(raw(query), 2)}
\`;
const variables = ${values};

${use}
`;
}

/** As a module that uses urql. */
export function urql({ query, variables, files, kind }) {
  const call = query.startsWith('mutation') ? 'mutation' : 'query';
  const use = kind === 'subscription'
    ? `client.subscription(operation, variables).subscribe(({ data, error }) => console.log(error ?? data));`
    : `const { data, error } = await client.${call}(operation, variables).toPromise();
if (error) throw error;
console.log(JSON.stringify(data, null, 2));`;
  return `// npm install @urql/core graphql; save as operation.mjs
import { Client, fetchExchange, gql } from '@urql/core';
${openAsBlob(files)}
const client = new Client({
  url: ${JSON.stringify(endpoint)},
  exchanges: [fetchExchange],
  preferGetMethod: false,
  fetchSubscriptions: true,
  fetchOptions: { headers: ${header(tokenFor({ query }))} },
});
const operation = gql\`
  ${indented(raw(query), 2)}
\`;
const variables = ${expression(variables, files)};

${use}
`;
}
