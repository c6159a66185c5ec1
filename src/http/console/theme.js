// Light or dark: as the system has it, until somebody chooses.

import { byId } from './dom.js';
import { icon } from './icons.js';

const KEY = 'strongroom.theme';
const system = matchMedia('(prefers-color-scheme: dark)');

const isDark = () => (localStorage.getItem(KEY) ?? (system.matches ? 'dark' : 'light')) === 'dark';

function show() {
  const dark = isDark();
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
  const name = dark ? 'Light theme' : 'Dark theme';
  const button = byId('theme');
  button.replaceChildren(icon(dark ? 'sun' : 'moon'));
  button.setAttribute('aria-label', name);
  button.title = name;
}

system.addEventListener('change', show);
byId('theme').addEventListener('click', () => {
  localStorage.setItem(KEY, isDark() ? 'light' : 'dark');
  show();
});
show();
