// Buttons, of which the explorer has many.

import { el } from '../dom.js';
import { icon } from '../icons.js';

/** A button with these classes that does `run`. */
export const button = (classes, run, content, attributes = {}) =>
  el('button', { type: 'button', class: classes, on: { click: run }, ...attributes }, ...[content].flat());

/** A small one with a picture, and its name for those who do not see that. */
export const iconButton = (shape, name, run, classes = '') =>
  button(`button small icon-only ${classes}`, run, icon(shape), { 'aria-label': name, title: name });
