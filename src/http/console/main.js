// Where the console begins: signing in and out, and what follows from it.

import './theme.js';

import * as browse from './browse.js';
import { closeDialogs } from './dialogs.js';
import { byId } from './dom.js';
import * as events from './events.js';
import { folder } from './folder.js';
import { sentence } from './format.js';
import { openMenu } from './menu.js';
import { failure, notice } from './notices.js';
import * as panel from './panel.js';
import { correct, drawPlaces, isExplorer, isLogIn } from './places.js';
import { logOut, resume, session, signIn } from './session.js';
import * as tray from './tray.js';

const form = byId('sign-in-form');
const field = (name) => form.elements[name];
let isNew = false;
let isOver = false;
/** Whether somebody whose session is over looks at the explorer first. */
let isAside = false;
/** Whether somebody was signed in until now. */
let wasIn = false;

byId('notices').popover = 'manual';
// Before anybody else looks at the address.
addEventListener('hashchange', correct);
correct();
// To what is there, not to another address.
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  byId('content').focus();
});
browse.start();
tray.start();
panel.start();

function choose(register) {
  isNew = register;
  byId('choose-login').setAttribute('aria-pressed', String(!register));
  byId('choose-register').setAttribute('aria-pressed', String(register));
  byId('sign-in-button').textContent = register ? 'Open an account' : 'Log in';
  byId('password-hint').hidden = !register;
  field('password').autocomplete = register ? 'new-password' : 'current-password';
  say('');
}

function say(text, at) {
  byId('sign-in-error').textContent = text;
  for (const name of ['email', 'password']) field(name).setAttribute('aria-invalid', String(name === at));
  if (at) field(at).focus();
}

byId('choose-login').addEventListener('click', () => choose(false));
byId('choose-register').addEventListener('click', () => choose(true));
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const [email, password] = [field('email').value.trim(), field('password').value];
  if (!email) return say('Enter your email address.', 'email');
  if (!password) return say('Enter your password.', 'password');
  byId('sign-in-button').disabled = true;
  say('');
  try {
    await signIn({ email, password, isNew });
    field('password').value = '';
  } catch (error) {
    if (error.code === 'EMAIL_TAKEN') say('There is an account with this address already. Log in instead.', 'email');
    else say(sentence(error), error.field?.at(-1));
  } finally {
    byId('sign-in-button').disabled = false;
  }
});

byId('account').addEventListener('click', () => {
  const leave = () => logOut().catch((error) => failure(error));
  openMenu(byId('account'), [{ name: 'Log out', run: leave }], { label: session.user.email });
});

function show() {
  const { user } = session;
  const isIn = Boolean(user) && !isOver;
  byId('starting').hidden = true;
  // The explorer is for everybody, but somebody who has to log in again has to ask for it.
  const explores = isExplorer() && (!isOver || isAside) && (isIn || !isLogIn());
  byId('sign-in').hidden = isIn || explores;
  byId('drive').hidden = !isIn || explores;
  byId('explorer').hidden = !explores;
  byId('account').hidden = !isIn;
  byId('account').textContent = user?.email ?? '';
  byId('usage').hidden = !isIn;
  drawPlaces();
  if (explores) explore();
}

/** Opens the explorer. Whoever does not come here does not load it. */
async function explore() {
  document.title = 'Explorer – Strongroom';
  try {
    (await import('./explorer/explorer.js')).show();
  } catch (error) {
    failure(error, explore);
  }
}

/** Shows the place that the address names, and puts the focus there if it is another. */
function move() {
  const wasHidden = byId('explorer').hidden;
  if (isLogIn()) choose(false);
  show();
  if (byId('explorer').hidden !== wasHidden) byId(isLogIn() ? 'email' : 'content').focus({ preventScroll: true });
}

addEventListener('hashchange', () => {
  // What was asked in one place is not for another.
  closeDialogs();
  move();
});
// A link to the address that is there already changes none.
addEventListener('click', ({ target }) => {
  if (!isOver || !target.closest?.('a[href="#/explorer"]')) return;
  isAside = true;
  if (isExplorer()) move();
});

session.addEventListener('changed', ({ detail }) => {
  const wasOver = isOver;
  isOver = false;
  isAside = false;
  if (session.user && isLogIn()) history.replaceState(null, '', '#/explorer');
  if (detail?.isAnother && !isExplorer() && location.hash !== '#/') history.replaceState(null, '', '#/');
  show();
  if (session.user) {
    wasIn = true;
    events.listen();
    // Whoever only had to log in again goes on where they were.
    if (wasOver && !detail?.isAnother) folder.refresh();
    else if (!isExplorer()) browse.open();
    byId('content').focus({ preventScroll: true });
  } else {
    events.stop();
    byId('live').hidden = true;
    folder.empty();
    byId('tray').hidden = true;
    // Where somebody was is not for the next; where somebody wants to go is kept until they have logged in.
    if (wasIn && location.hash && !isExplorer()) history.replaceState(null, '', location.pathname);
    wasIn = false;
    if (!byId('sign-in').hidden) field('email').focus();
  }
});

session.addEventListener('ended', () => {
  if (isOver || !session.user) return;
  isOver = true;
  events.stop();
  closeDialogs();
  choose(false);
  show();
  field('email').value = session.user.email;
  say('Your session has ended. Log in again to go on: uploads that were on their way are sent then.');
  field('password').focus();
});

events.events.addEventListener('live', () => {
  if (!byId('live').hidden) folder.refreshSoon();
  byId('live').hidden = true;
});
events.events.addEventListener('lost', () => {
  byId('live').hidden = false;
  byId('live').textContent = 'Connection lost. Trying again…';
});

// What nobody expected is said, too, and not only in the browser's console.
addEventListener('unhandledrejection', ({ reason }) => notice(sentence(reason ?? {}), { isError: true }));

async function begin() {
  choose(false);
  byId('starting').hidden = !byId('sign-in').hidden;
  try {
    await resume();
  } catch (error) {
    show();
    failure(error, begin);
  }
}
begin();
