// GraphQL over fetch. Every operation passes through here or through uploads.js, and is told to the journal.

/** Where the API is. */
export const endpoint = `${location.origin}/graphql`;

/** Who is asking. session.js keeps it. */
export const credentials = { token: null, ended: () => {} };

/** A failure with the code that the API gave it, or `NETWORK`. */
export class ApiError extends Error {
  constructor({ message, code, field, retryAfter, requestId }) {
    super(message);
    Object.assign(this, { code, field, retryAfter, requestId });
  }
}

/** What was asked and answered. Listen to `entry` (a new one) and `change` (one that has its answer now). */
export const journal = new EventTarget();
let entries = 0;

/** Notes an operation as it is sent. `files` are those that go with it, by the path of their variable. */
export function note({ query, variables, files = {}, kind = 'http' }) {
  const name = /(?:query|mutation|subscription)\s+(\w+)/.exec(query)?.[1] ?? 'operation';
  const entry = { id: ++entries, kind, name, query, variables, files, at: performance.now(), answer: undefined };
  journal.dispatchEvent(new CustomEvent('entry', { detail: entry }));
  return entry;
}

/** Notes the answer. `failed` is true where it has no data. */
export function settle(entry, { answer, status, failed = false }) {
  Object.assign(entry, { answer, status, failed, took: Math.round(performance.now() - entry.at) });
  journal.dispatchEvent(new CustomEvent('change', { detail: entry }));
}

/** The headers that every request bears. */
export function headers() {
  // Lets no form of another site pass for us, also when there is no token.
  const all = { 'GraphQL-Preflight': '1', Accept: 'application/graphql-response+json, application/json;q=0.9' };
  if (credentials.token) all.Authorization = `Bearer ${credentials.token}`;
  return all;
}

/** Sends an operation. Answers its data; throws ApiError. */
export async function request(query, variables = {}) {
  const entry = note({ query, variables });
  const { token } = credentials;
  let response;
  let answer;
  try {
    response = await fetch(endpoint, {
      method: 'POST',
      headers: { ...headers(), 'Content-Type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    answer = await response.json();
  } catch {
    const failure = new ApiError({ code: 'NETWORK', message: 'The server cannot be reached.' });
    settle(entry, { answer: failure.message, status: response?.status ?? 0, failed: true });
    throw failure;
  }
  settle(entry, { answer, status: response.status, failed: Boolean(answer.errors) || hasUserErrors(answer) });
  return dataOf(answer, token);
}

/** The data of an answer; throws its first error. `token` is what the request bore. */
export function dataOf(answer, token) {
  const error = answer?.errors?.[0];
  if (!error && answer?.data) return answer.data;
  const { code = 'INTERNAL_SERVER_ERROR', retryAfter, requestId } = error?.extensions ?? {};
  // An answer to what was asked before the last login says nothing of this session.
  if (code === 'UNAUTHENTICATED' && token && token === credentials.token) credentials.ended();
  throw new ApiError({ code, retryAfter, requestId, message: error?.message ?? 'The server gave no answer.' });
}

const hasUserErrors = ({ data }) => Object.values(data ?? {}).some((payload) => payload?.userErrors?.length > 0);

/** The payload of a mutation; throws the first of its `userErrors`. */
export function payloadOf(data) {
  const [payload] = Object.values(data);
  const [error] = payload.userErrors;
  if (error) throw new ApiError(error);
  return payload;
}

/** Sends a mutation. Answers its payload. */
export const mutate = async (query, input) => payloadOf(await request(query, input && { input }));

/** A URL of the API as a path of this origin: the page may be open under another name of the same server. */
export function local(url) {
  const { pathname, search } = new URL(url);
  return pathname + search;
}
