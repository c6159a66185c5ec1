// Menus: a list of things to do beside the button that opened it, with arrows, Home, End, Escape and letters.

import { el } from './dom.js';

let open = null;

/** Opens a menu of `{ name, run, isDangerous }` beside an element, or at a point of the window. */
export function openMenu(anchor, entries, { label, point } = {}) {
  open?.close(false);
  const items = entries.map(({ name, run, isDangerous }) =>
    el('button', { type: 'button', role: 'menuitem', tabindex: '-1', class: isDangerous ? 'danger' : null,
      on: { click: () => { close(true); run(); } } }, name),
  );
  const menu = el('div', { class: 'menu', role: 'menu', 'aria-label': label, popover: 'manual' }, ...items);

  function close(focus) {
    if (open?.close !== close) return;
    open = null;
    removeEventListener('pointerdown', outside, true);
    removeEventListener('scroll', away, true);
    removeEventListener('resize', away);
    anchor.setAttribute('aria-expanded', 'false');
    menu.remove();
    if (focus && anchor.isConnected) anchor.focus({ preventScroll: true });
  }
  // What has scrolled away from its button would seem to be another's. A scroll from before it opened is told late.
  const { top, left } = anchor.getBoundingClientRect();
  const away = () => {
    const now = anchor.getBoundingClientRect();
    if (Math.abs(now.top - top) > 1 || Math.abs(now.left - left) > 1) close(false);
  };
  const outside = (event) => !menu.contains(event.target) && close(false);
  const move = (to) => items[(to + items.length) % items.length].focus();

  menu.addEventListener('keydown', (event) => {
    const now = items.indexOf(document.activeElement);
    const steps = { ArrowDown: () => move(now + 1), ArrowUp: () => move(now - 1), Home: () => move(0), End: () => move(-1),
      Escape: () => close(true), Tab: () => close(true) };
    const letter = () => {
      const order = [...items.slice(now + 1), ...items.slice(0, now + 1)];
      order.find((item) => item.textContent.toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
    };
    const step = steps[event.key] ?? (event.key.length === 1 && event.key !== ' ' && !event.ctrlKey && !event.metaKey && letter);
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    step();
  });

  // Within its landmark, where those who read by landmarks look for it.
  (anchor.closest('dialog, main, header') ?? document.body).append(menu);
  menu.showPopover();
  place(menu, point ?? anchor.getBoundingClientRect());
  anchor.setAttribute('aria-expanded', 'true');
  open = { close };
  items[0].focus({ preventScroll: true });
  addEventListener('pointerdown', outside, true);
  addEventListener('scroll', away, true);
  addEventListener('resize', away);
}

/** Under the place, its ends aligned; above or shifted where the window has no room. */
function place(menu, { left, right, top, bottom }) {
  const { width, height } = menu.getBoundingClientRect();
  const x = right - width > 8 && right !== left ? right - width : left;
  const y = bottom + height + 8 < innerHeight ? bottom + 4 : top - height - 4;
  menu.style.left = `${Math.max(8, Math.min(x, innerWidth - width - 8))}px`;
  menu.style.top = `${Math.max(8, Math.min(y, innerHeight - height - 8))}px`;
}
