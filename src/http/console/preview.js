// One file in full: the picture (or sound, film, text), what is known of it, and what can be done with it.

import { local, request } from './client.js';
import { copy, el, newId } from './dom.js';
import { closeDialogs, openDialog, save } from './dialogs.js';
import { folder } from './folder.js';
import { bytes, dateAndTime, kindOf, plural, sentence } from './format.js';
import { icon, iconOf } from './icons.js';
import { paint } from './thumbhash.js';
import { DETAILS } from './operations.js';

/** What browsers show by themselves. */
const PICTURES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif', 'image/bmp', 'image/apng'];
/** Beyond this, in bytes, the largest thumbnail has to do. */
const LARGE = 40_000_000;
/** How much of a text is shown, in bytes. */
const TEXT = 65_536;

/** Opens a preview. `actions` are more things to do with the file, as `{ name, run }`. */
export function preview(first, actions) {
  let turn = 0;
  let current = first;
  const stage = el('div', { class: 'stage' });
  const facts = el('div', { class: 'facts' });
  const step = (by, name, shape) => el('button', { type: 'button', class: `button icon-button step ${shape}`, 'aria-label': name, on: { click: () => go(by) } }, icon(shape));
  const [back, on] = [step(-1, 'Previous file', 'previous'), step(1, 'Next file', 'next')];
  const dialog = openDialog(first.name, [el('div', { class: 'preview' }, el('div', { class: 'stage-frame' }, stage, back, on), facts)], { wide: true });
  const title = dialog.querySelector('h2 bdi');

  /** Folders are passed over. */
  const neighbour = (by) => {
    const files = folder.items.filter(({ kind }) => kind !== 'FOLDER');
    const index = files.findIndex(({ id }) => id === current.id);
    return index < 0 ? undefined : files[index + by];
  };
  function go(by) {
    const next = neighbour(by);
    if (next) show(next);
  }
  dialog.addEventListener('keydown', (event) => {
    if (event.target.matches('video, audio, input, pre') || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'ArrowLeft') go(-1);
    else if (event.key === 'ArrowRight') go(1);
  });
  // Its thumbnails may settle, and its name may change, while it is open.
  const changed = () => {
    const row = folder.get(current.id);
    if (!row) return;
    if (row.updatedAt !== current.updatedAt || row.thumbnailStatus !== current.thumbnailStatus) show(row);
    else arrows();
  };
  const arrows = () => {
    back.disabled = !neighbour(-1);
    on.disabled = !neighbour(1);
    // The last one that was fetched is not the last that there is.
    if (on.disabled && folder.hasNext) folder.more();
  };
  folder.addEventListener('change', changed);
  // Back leads to what is behind it. Closed in another way, it goes back by itself: the next Back is to lead somewhere.
  const mark = newId('preview');
  history.pushState({ preview: mark }, '');
  addEventListener('popstate', closeDialogs);
  dialog.addEventListener('close', () => {
    turn++;
    removeEventListener('popstate', closeDialogs);
    if (history.state?.preview === mark) history.back();
    folder.removeEventListener('change', changed);
    stage.replaceChildren();
  });

  async function show(file) {
    const own = ++turn;
    current = { ...file };
    title.textContent = file.name;
    arrows();
    // On a small window the stage is no higher than the picture.
    for (const [name, value] of [['--shape', `${file.width} / ${file.height}`], ['--tall', `${file.height}px`]]) {
      if (file.width) stage.style.setProperty(name, value);
      else stage.style.removeProperty(name);
    }
    stage.replaceChildren(standIn(file));
    facts.setAttribute('aria-busy', 'true');
    try {
      const { file: found } = await request(DETAILS, { id: file.id });
      if (own !== turn) return;
      if (!found) throw Object.assign(new Error(), { code: 'NOT_FOUND' });
      facts.replaceChildren(buttons(found), list(found));
      await fill(found, () => own === turn);
    } catch (error) {
      if (own !== turn) return;
      const again = el('button', { type: 'button', class: 'button', on: { click: () => show(file) } }, 'Try again');
      facts.replaceChildren(el('p', { class: 'error', role: 'alert' }, sentence(error)), again);
      if (error.code === 'UNAUTHENTICATED') dialog.close();
    } finally {
      if (own === turn) facts.removeAttribute('aria-busy');
    }
  }

  function buttons(file) {
    const more = actions(file).map(({ name, run, isDangerous }) =>
      el('button', { type: 'button', class: isDangerous ? 'button danger' : 'button', on: { click: () => { if (isDangerous) dialog.close(); run(); } } }, name));
    return el('p', { class: 'buttons' },
      el('button', { type: 'button', class: 'button primary', on: { click: () => save(file.download) } }, 'Download'),
      el('a', { class: 'button', href: local(file.url), target: '_blank', rel: 'noopener' }, 'Open in a new tab'), ...more);
  }

  async function fill(file, isCurrent) {
    const type = (file.mediaType ?? '').split(';')[0];
    if (PICTURES.includes(type) && file.size <= LARGE) {
      const image = el('img', { alt: file.name, src: local(file.url) });
      await image.decode().then(() => isCurrent() && stage.replaceChildren(image), () => {});
    } else if (type.startsWith('video/') || type.startsWith('audio/')) {
      const player = el(type.split('/')[0], { controls: true, src: local(file.url), 'aria-label': file.name });
      stage.replaceChildren(player);
    } else if (type.startsWith('text/') && file.size > 0) {
      const answer = await fetch(local(file.url), { headers: { Range: `bytes=0-${TEXT - 1}` } });
      const text = answer.ok ? await answer.text() : '';
      const cut = file.size > TEXT ? '\n…' : '';
      if (isCurrent() && text) stage.replaceChildren(el('pre', { tabindex: '0', dir: 'auto' }, text + cut));
    }
  }

  show(first);
}

/** What is there at once: the largest thumbnail over its ThumbHash, or a picture of its kind. */
function standIn(file) {
  if (file.thumbnailStatus !== 'READY' || !file.thumbhash) return iconOf(file);
  const canvas = el('canvas', { class: 'hash', 'aria-hidden': 'true' });
  paint(canvas, file.thumbhash);
  const image = el('img', { alt: file.name, src: local(file.thumbnails.at(-1).url), width: file.width, height: file.height });
  image.addEventListener('error', () => image.remove());
  return el('div', { class: 'stand-in' }, canvas, image);
}

function list(file) {
  const rows = [];
  const row = (term, ...values) => rows.push(el('div', {}, el('dt', {}, term), el('dd', {}, ...values)));
  row('Type', kindOf(file), file.mediaType ? ` (${file.mediaType})` : '');
  row('Size', file.size < 1000 ? bytes(file.size) : `${bytes(file.size)} (${plural(file.size, 'byte')})`);
  if (file.width) row('Dimensions', `${file.width} × ${file.height} pixels`);
  row('Seen by', file.isPublic ? 'anybody who has the link' : 'you alone');
  row('Folder', el('bdi', {}, file.parent?.name ?? 'My files'));
  row('Uploaded', dateAndTime(file.createdAt));
  if (file.updatedAt !== file.createdAt) row('Changed', dateAndTime(file.updatedAt));
  if (file.thumbnailStatus === 'PENDING') row('Thumbnails', 'are being made');
  if (file.thumbnailStatus === 'FAILED') row('Thumbnails', `There are none: ${file.thumbnailError}`);
  if (file.all.length > 0) {
    row('Thumbnails', el('ul', { class: 'plain' }, ...file.all.map(({ width, height, bytes: size, mediaType, url }) =>
      el('li', {}, el('a', { href: local(url), target: '_blank', rel: 'noopener' }, `${width} × ${height}`), ` ${mediaType.split('/')[1].toUpperCase()}, ${bytes(size)}`))));
  }
  row('SHA-256', el('code', {}, file.sha256), ' ', copyButton(file.sha256, 'Copy the SHA-256'));
  row('ID', el('code', {}, file.id), ' ', copyButton(file.id, 'Copy the ID'));
  return el('dl', {}, ...rows);
}

function copyButton(text, label) {
  const said = el('button', { type: 'button', class: 'button small', 'aria-label': label }, 'Copy');
  said.addEventListener('click', async () => {
    said.textContent = (await copy(text)) ? 'Copied' : 'Select it by hand';
    setTimeout(() => (said.textContent = 'Copy'), 2_000);
  });
  return said;
}
