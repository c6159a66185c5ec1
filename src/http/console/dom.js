// Elements, made without markup: whatever a text holds, it stays text.

/**
 * An element with attributes and children. `on` is an object of listeners, `class` and `data-…` are attributes as in HTML;
 * `true` sets an empty attribute, `false`, `null` and `undefined` set none.
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The element of the frame that has this ID. */
export const byId = (id) => document.getElementById(id);

/** A number that no other element has in its ID. */
let last = 0;
export const newId = (word) => `${word}-${++last}`;

/** Puts a text on the clipboard, also where the page may not use the clipboard by itself. Answers whether it is there. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = el('textarea', { class: 'visually-hidden', 'aria-hidden': 'true' });
    field.value = text;
    (document.querySelector('dialog[open]') ?? document.body).append(field);
    field.select();
    const copied = document.execCommand('copy');
    field.remove();
    return copied;
  }
}
