// Pictures to upload, made here: PNGs of two colours that differ from one another.

import { crc32, deflateSync } from 'node:zlib';

const chunk = (kind, body) => {
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length);
  const named = Buffer.concat([Buffer.from(kind), body]);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
};

/** A file for a picker: a picture that fades from one colour to another. */
export function picture(name, width = 640, height = 480, seed = 0) {
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * (1 + width * 3) + 1 + x * 3;
      rows.set([(255 * x) / width, (seed * 83) % 256, (255 * y) / height], at);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const parts = [chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))];
  return { name, mimeType: 'image/png', buffer: Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts]) };
}

/** One that looks like a picture and is none. */
export function broken(name) {
  const { buffer } = picture(name, 8, 8);
  return { name, mimeType: 'image/png', buffer: Buffer.concat([buffer.subarray(0, 30), Buffer.alloc(60)]) };
}

/** A text. */
export const text = (name, words) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(words) });
