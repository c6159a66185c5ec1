// One file in the grid or the list. It is drawn once, and then changed where the file has changed.

import { local } from './client.js';
import { el } from './dom.js';
import { bytes, date, kindOf } from './format.js';
import { icon, iconOf } from './icons.js';
import { paint } from './thumbhash.js';

/** A cell. `open` and `menu` are called with the file and the button that was used. */
export class Cell {
  #file = {};
  #place;
  #picture = el('span', { class: 'picture' });
  #name = el('bdi', { class: 'name' });
  #meta = el('span', { class: 'meta' });

  constructor({ open, menu }) {
    this.button = el('button', { type: 'button', class: 'open', tabindex: '-1', on: { click: () => open(this.#file) } },
      this.#picture, el('span', { class: 'words' }, this.#name, this.#meta));
    this.more = el('button', { type: 'button', class: 'button icon-button more', tabindex: '-1', 'aria-haspopup': 'menu',
      on: { click: () => menu(this.#file, this.more) } }, icon('more'));
    this.element = el('li', { class: 'cell', draggable: 'true' }, this.button, this.more);
  }

  /** Shows this file. `place` is what is said of where it is. */
  update(file, place) {
    const before = this.#file;
    this.#file = { ...file };
    const has = (...fields) => fields.some((field) => before[field] !== file[field]);
    if (has('id')) this.element.dataset.id = file.id;
    if (has('name', 'id')) {
      this.#name.textContent = file.name;
      this.button.title = file.name;
      this.more.setAttribute('aria-label', `Actions for ${file.name}`);
    }
    if (has('kind')) this.element.dataset.kind = file.kind;
    if (has('id', 'thumbnailStatus', 'thumbhash', 'isPublic', 'updatedAt')) this.#draw();
    const isElsewhere = place !== this.#place;
    this.#place = place;
    if (isElsewhere || has('id', 'kind', 'mediaType', 'size', 'isPublic', 'createdAt', 'thumbnailStatus')) this.#describe(place);
  }

  #draw() {
    const { thumbnailStatus: status, thumbhash, thumbnails } = this.#file;
    const parts = [];
    this.element.dataset.status = status ?? '';
    if (status === 'READY' && thumbhash) {
      const canvas = el('canvas', { class: 'hash', 'aria-hidden': 'true' });
      paint(canvas, thumbhash);
      parts.push(canvas);
    } else parts.push(iconOf(this.#file));
    if (status === 'READY' && thumbnails.length > 0) parts.push(this.#img(thumbnails));
    if (status === 'PENDING') parts.push(el('span', { class: 'badge' }, 'Making thumbnail…'));
    if (status === 'FAILED') parts.push(el('span', { class: 'badge bad' }, icon('warning'), 'No thumbnail'));
    if (this.#file.isPublic) parts.push(el('span', { class: 'badge public', title: 'Public' }, icon('globe')));
    this.#picture.replaceChildren(...parts);
  }

  #img(thumbnails) {
    const sources = thumbnails.map(({ url, width }) => `${local(url)} ${width}w`).join(', ');
    const image = el('img', { class: 'thumbnail', alt: '', decoding: 'async', draggable: 'false', sizes: '14rem', srcset: sources,
      src: local(thumbnails.at(-1).url) });
    image.addEventListener('load', () => image.classList.add('loaded'), { once: true });
    // The ThumbHash stays in its place.
    image.addEventListener('error', () => image.remove(), { once: true });
    return image;
  }

  #describe(place) {
    const { size, isPublic, createdAt, thumbnailStatus, thumbnailError } = this.#file;
    // Where there is no room for all, the last are cut.
    const words = [];
    if (place) words.push(el('span', { class: 'place' }, 'in ', el('bdi', {}, place)));
    if (size !== null) words.push(el('span', {}, bytes(size)));
    words.push(el('span', {}, kindOf(this.#file)), el('span', { class: 'when' }, date(createdAt)));
    if (isPublic) words.push(el('span', { class: 'visually-hidden' }, 'public'));
    if (thumbnailStatus === 'FAILED') words.push(el('span', { class: 'visually-hidden' }, `No thumbnail: ${thumbnailError}`));
    this.#meta.replaceChildren(...words);
  }
}
