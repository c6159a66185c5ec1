// Subscribing to thumbnails: what is subscribed to, and knowing that a subscription listens.

import assert from 'node:assert/strict';

import { photo, post, settled, upload } from '../support.js';
import { soon } from './seen.js';

export const THUMBNAIL_READY = `
  subscription ThumbnailReady($fileId: ID) {
    thumbnailReady(fileId: $fileId) { id name thumbnailStatus width height thumbnails { size url } }
  }
`;

/** An image of the user, whose thumbnails may still be waiting. */
export const freshPhoto = async (token, name = 'photo.png') => (await upload(token, name, photo(40, 30))).id;

/**
 * Returns once a subscription to all images of the user listens. Nothing says so by itself: the thumbnails of a canary
 * are made again and again, and as soon as it listens it tells of one. `heard` is the event of the subscription that it
 * waits for: a function from a file's ID to a promise.
 */
export async function listening(token, heard) {
  const canary = await freshPhoto(token, 'canary.png');
  await settled(token, canary);
  let done = false;
  const told = heard(canary).finally(() => (done = true));
  const sing = async () => {
    while (!done) {
      const query = 'mutation ($input: RetryThumbnailsInput!) { retryThumbnails(input: $input) { userErrors { code } } }';
      const { data } = await post(query, { input: { fileId: canary } }, token);
      assert.deepEqual(data.retryThumbnails.userErrors, []);
      await settled(token, canary);
    }
  };
  await soon(Promise.all([told, sing()]), 'a subscription to listen');
}

/** Signs out: the session of this token ends. */
export const signOut = (token) => post('mutation { logout { userErrors { code } } }', {}, token);
