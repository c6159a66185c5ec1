// Makes the pictures that are rendered: photos at the sizes and in the formats that people upload.
//
// A photo is first shrunk to three quarters: that undoes the blocks that its own compression left, and makes it as sharp
// as what a camera writes. Where it is then smaller than the picture it goes on mirrored; it is never enlarged.
//
// `node sources.js PHOTOS FOLDER MOST` makes them of at most so many of the JPEG files in a folder, where they are not
// there yet: FOLDER/KIND/PHOTO.
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import sharp from 'sharp';

const jpeg = { quality: 92, chromaSubsampling: '4:2:0', mozjpeg: false };

/** What is rendered, in the order of the table. */
export const kinds = [
  { name: 'jpeg-12mp', title: 'JPEG 12 MP', size: [4000, 3000], encode: (image) => image.jpeg(jpeg) },
  { name: 'jpeg-24mp', title: 'JPEG 24 MP', size: [6000, 4000], encode: (image) => image.jpeg(jpeg) },
  { name: 'jpeg-2mp', title: 'JPEG 2 MP', size: [1632, 1224], encode: (image) => image.jpeg(jpeg) },
  { name: 'progressive-12mp', title: 'progressive JPEG 12 MP', size: [4000, 3000], encode: (image) => image.jpeg({ ...jpeg, progressive: true }) },
  { name: 'png-8mp', title: 'PNG 8 MP', size: [3264, 2448], encode: (image) => image.png({ adaptiveFiltering: true }) },
  { name: 'webp-8mp', title: 'lossy WebP 8 MP', size: [3264, 2448], encode: (image) => image.webp({ quality: 82 }) },
  { name: 'jpeg-12mp-444', title: 'JPEG 12 MP 4:4:4', size: [4000, 3000], encode: (image) => image.jpeg({ ...jpeg, chromaSubsampling: '4:4:4' }) },
  { name: 'jpeg-12mp-p3', title: 'JPEG 12 MP, Display P3', size: [4000, 3000], encode: (image) => image.withIccProfile('p3').jpeg(jpeg) },
];

/** The files of one kind. */
export function filesOf(kind, folder, most) {
  return readdirSync(join(folder, kind.name)).sort().slice(0, most).map((name) => join(folder, kind.name, name));
}

/** The photo at so many pixels, as sharp's input. */
async function picture(photo, [width, height]) {
  const { autoOrient } = await sharp(photo).metadata();
  const enough = Math.max(width / autoOrient.width, height / autoOrient.height);
  const scale = Math.min(0.75, enough);
  const [w, h] = [Math.ceil(autoOrient.width * scale), Math.ceil(autoOrient.height * scale)];
  const raw = async (image) => {
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    return sharp(data, { raw: info, limitInputPixels: false });
  };
  const shrunk = await raw(sharp(photo).autoOrient().resize(w, h, { fit: 'fill', fastShrinkOnLoad: false }).toColourspace('srgb').removeAlpha());
  const right = Math.max(0, width - w);
  const bottom = Math.max(0, height - h);
  const tiled = right + bottom === 0 ? shrunk : await raw(shrunk.extend({ right, bottom, extendWith: 'mirror' }));
  return tiled.extract({ left: 0, top: 0, width, height });
}

async function make(photos, folder, most) {
  const names = readdirSync(photos).filter((name) => /\.jpe?g$/i.test(name)).sort().slice(0, most);
  if (names.length === 0) throw new Error(`${photos} has no JPEG file`);
  for (const kind of kinds) {
    const extension = /png|webp/.exec(kind.name)?.[0] ?? 'jpg';
    mkdirSync(join(folder, kind.name), { recursive: true });
    for (const name of names) {
      const path = join(folder, kind.name, `${basename(name, extname(name))}.${extension}`);
      if (existsSync(path)) continue;
      await kind.encode(await picture(join(photos, name), kind.size)).toFile(`${folder}/part`);
      renameSync(`${folder}/part`, path);
    }
  }
}

if (process.argv[1] === import.meta.filename) {
  const [photos, folder, most] = process.argv.slice(2);
  await make(photos, folder, Number(most));
}
