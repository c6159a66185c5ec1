// The uploads of a front end, and the files it uploads.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { post } from '../support.js';

/** As the README writes it: the file is a variable of its own. */
export const UPLOAD_FILE = `
  mutation UploadFile($file: Upload!) {
    upload(input: { file: $file }) {
      file { id name size sha256 }
      userErrors { code message field }
    }
  }
`;

/** The file is inside of the input. */
export const UPLOAD = `
  mutation Upload($input: UploadInput!) {
    upload(input: $input) {
      file { id name size sha256 isPublic parent { id } }
      userErrors { code message field }
    }
  }
`;

export const UPLOAD_MANY = `
  mutation UploadMany($input: UploadManyInput!) {
    uploadMany(input: $input) {
      results {
        file { id name size sha256 }
        userErrors { code message field }
      }
      userErrors { code message field }
    }
  }
`;

export const MEBIBYTE = 1 << 20;

/** Names as people give them, the first as macOS does: decomposed. All are stored composed (NFC). */
export const NAMES = [
  're\u0301sume\u0301.txt',
  'r\u00e9sum\u00e9 2.txt',
  '请假条.txt',
  '🏔️ "Gipfel".txt',
  '100%25 & more; a=b.txt',
  "l'\u00e9t\u00e9.txt",
];

/** A text file that no other one is like. */
export const note = (name = 'note.txt', text = `note ${Math.random()}`) => new File([text], name, { type: 'text/plain' });

/** A file of so many bytes. */
export function large(name, bytes) {
  const block = Buffer.alloc(Math.min(bytes, MEBIBYTE), 'strongroom ');
  const whole = Math.floor(bytes / block.length);
  const blocks = [...Array(whole).fill(block), block.subarray(0, bytes % block.length)];
  return new File(blocks, name, { type: 'application/octet-stream' });
}

/** What the server says about a file must fit the bytes that were sent. */
export async function assertStored(stored, sent) {
  assert.equal(stored.name, sent.name.normalize('NFC'));
  assert.equal(stored.size, sent.size);
  const bytes = Buffer.from(await sent.arrayBuffer());
  assert.equal(stored.sha256, createHash('sha256').update(bytes).digest('hex'));
}

/** How many files and folders a user has. */
export async function fileCount(token, at) {
  const { data } = await post('{ viewer { usage { fileCount } files { totalCount } } }', {}, token, at);
  assert.equal(data.viewer.usage.fileCount, data.viewer.files.totalCount);
  return data.viewer.usage.fileCount;
}
