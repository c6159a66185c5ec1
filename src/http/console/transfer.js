// One upload on its way: an XMLHttpRequest, because that tells how far it is, and what is done where its answer is lost.

import { ApiError, credentials, dataOf, endpoint, headers, note, payloadOf, request, settle } from './client.js';
import { ARRIVED, UPLOAD } from './operations.js';
import { look, session } from './session.js';

/** Sends a file. Answers `{ done, abort }`; `done` brings the file as the server has it, or throws ApiError. */
export function transfer({ file, name, parentId }, progress) {
  const { token } = credentials;
  const own = new XMLHttpRequest();
  const variables = { input: { file: null, parentId, name } };
  const entry = note({ query: UPLOAD, variables, files: { 'variables.input.file': file } });
  const body = new FormData();
  body.append('operations', JSON.stringify({ query: UPLOAD, variables }));
  body.append('map', JSON.stringify({ 0: ['variables.input.file'] }));
  body.append('0', file, name);

  own.open('POST', endpoint);
  for (const [header, value] of Object.entries(headers())) own.setRequestHeader(header, value);
  own.responseType = 'json';
  own.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
  const done = new Promise((resolve, reject) => {
    own.onload = () => {
      const { response, status } = own;
      settle(entry, { answer: response, status, failed: !response?.data?.upload?.file });
      try {
        resolve(payloadOf(dataOf(response, token)).file);
      } catch (error) {
        reject(error);
      }
    };
    own.onabort = () => {
      settle(entry, { answer: 'Cancelled.', status: 0, failed: true });
      reject(new ApiError({ code: 'CANCELLED', message: 'Cancelled.' }));
    };
    own.onerror = () => {
      settle(entry, { answer: 'The connection was lost.', status: 0, failed: true });
      reasonOf(file, token).then(reject);
    };
  });
  own.send(body);
  return { done, abort: () => own.abort() };
}

/** Why a request broke. The browser does not tell, so the server is asked, and then the file. */
async function reasonOf(file, token) {
  try {
    await look();
  } catch (error) {
    if (error.code === 'NETWORK') return error;
  }
  // A server that wants none of it may answer and hang up before the browser has sent all, and the answer is lost.
  if (token !== credentials.token || !session.user) return new ApiError({ code: 'UNAUTHENTICATED', message: 'The session has ended.' });
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    const message = 'The file cannot be read: it was changed, moved or deleted after it was chosen, or is not yours to read. Choose it anew.';
    return new ApiError({ code: 'UNREADABLE', message });
  }
  return new ApiError({ code: 'CUT_OFF', message: 'The connection broke before the server had confirmed it. Try again.' });
}

/**
 * The file as the server has it, if it arrived and only the answer was lost: the same bytes under the same name in the same
 * folder. Null also where a browser cannot tell: rather stored twice than not at all.
 */
export async function arrived({ file, name, parentId }) {
  let sum;
  try {
    sum = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
  } catch {
    // Over HTTP from another machine there is no `subtle`, and a file may be larger than memory.
    return null;
  }
  const sha256 = [...new Uint8Array(sum)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const { files } = await request(ARRIVED, { parentId, sha256 });
  return files?.nodes.find((found) => found.name === name.normalize()) ?? null;
}
