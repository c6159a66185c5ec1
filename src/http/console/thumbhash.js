// Paints a ThumbHash: some 25 bytes that hold the lowest waves of a picture's light, of its two colours, and of what can be
// seen through. A decoder of our own, after the description of the format.

/** The longer side of what is painted, in pixels. The browser blurs it to any size. */
const SIDE = 32;

/** The waves of one channel. `count` waves across by `rows` down, of which only those under the diagonal are kept. */
function channel(constant, across, down, scale, next) {
  const waves = [];
  for (let y = 0; y < down; y++) {
    for (let x = y === 0 ? 1 : 0; x * down < across * (down - y); x++) {
      waves.push({ x, y, height: 2 * (next() / 7.5 - 1) * scale });
    }
  }
  return (columns, rows) => waves.reduce((sum, { x, y, height }) => sum + height * columns[x] * rows[y], constant);
}

/** How high each wave is at each of so many places. */
function cosines(places) {
  return Array.from({ length: places }, (_, place) =>
    Array.from({ length: 8 }, (_, wave) => Math.cos((Math.PI / places) * (place + 0.5) * wave)),
  );
}

/** What a hash holds: its size on paper, and the colour of each place. Null for what is no hash. */
export function decode(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  if (bytes.length < 5) return null;
  const bits = (from, count) => {
    let value = 0;
    for (let bit = count - 1; bit >= 0; bit--) value = value * 2 + ((bytes[(from + bit) >> 3] >> ((from + bit) & 7)) & 1);
    return value;
  };
  const hasAlpha = bits(23, 1) === 1;
  const isLandscape = bits(39, 1) === 1;
  const [long, short] = [hasAlpha ? 5 : 7, bits(24, 3)];
  const [across, down] = isLandscape ? [long, short] : [short, long];

  // The waves are half bytes, one after the other, lower half first.
  let at = hasAlpha ? 48 : 40;
  const next = () => bits((at += 4) - 4, 4);
  const light = channel(bits(0, 6) / 63, Math.max(3, across), Math.max(3, down), bits(18, 5) / 31, next);
  const yellow = channel(bits(6, 6) / 31.5 - 1, 3, 3, (bits(27, 6) / 63) * 1.25, next);
  const red = channel(bits(12, 6) / 31.5 - 1, 3, 3, (bits(33, 6) / 63) * 1.25, next);
  const alpha = hasAlpha ? channel(bits(40, 4) / 15, 5, 5, bits(44, 4) / 15, next) : () => 1;

  const ratio = across / Math.max(1, down);
  const width = Math.max(1, Math.round(ratio > 1 ? SIDE : SIDE * ratio));
  const height = Math.max(1, Math.round(ratio > 1 ? SIDE / ratio : SIDE));
  const [columns, rows] = [cosines(width), cosines(height)];
  const pixels = new Uint8ClampedArray(width * height * 4);
  rows.forEach((row, y) =>
    columns.forEach((column, x) => {
      const [l, p, q] = [light(column, row), yellow(column, row), red(column, row)];
      const b = l - (2 / 3) * p;
      const r = (3 * l - b + q) / 2;
      pixels.set([r, r - q, b, alpha(column, row)].map((value) => value * 255), (y * width + x) * 4);
    }),
  );
  return { width, height, pixels };
}

/** Paints a hash. Whatever is wrong with it, the page goes on without. */
export function paint(canvas, base64) {
  let picture = null;
  try {
    picture = decode(base64);
  } catch {
    // No base64.
  }
  if (!picture) return;
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext('2d').putImageData(new ImageData(picture.pixels, picture.width, picture.height), 0, 0);
}
