// Who is signed in. The token lives as long as the tab does, and is changed for a fresh one in time.

import { credentials, mutate, request } from './client.js';
import { LOGIN, LOGOUT, REFRESH, REGISTER, VIEWER } from './operations.js';

const KEY = 'strongroom.session';
/** The most that a timer can wait for, in milliseconds. */
const LONGEST = 2 ** 31 - 1;
let timer;

/** Tells `changed` (somebody signed in or out) and `ended` (the server no longer takes the token). */
export const session = Object.assign(new EventTarget(), { user: null, usage: null, limits: null });

const tell = (event) => session.dispatchEvent(new Event(event));

credentials.ended = () => {
  forget();
  tell('ended');
};

function keep({ token, expiresAt }) {
  credentials.token = token;
  sessionStorage.setItem(KEY, JSON.stringify({ token, expiresAt }));
  clearTimeout(timer);
  // After half of its life: time enough for a laptop that sleeps, or a server that is away.
  timer = setTimeout(refresh, Math.min(LONGEST, Math.max(5_000, (new Date(expiresAt) - Date.now()) / 2)), expiresAt);
}

function forget() {
  credentials.token = null;
  clearTimeout(timer);
  sessionStorage.removeItem(KEY);
}

async function refresh(expiresAt) {
  const { token } = credentials;
  try {
    const fresh = await mutate(REFRESH);
    // Somebody who logged in or out meanwhile has changed the session already.
    if (token === credentials.token) keep(fresh);
  } catch (error) {
    // `dataOf` has seen to a session that is over.
    if (error.code !== 'UNAUTHENTICATED') timer = setTimeout(refresh, 30_000, expiresAt);
  }
}

/** Goes on with the session that this tab had, if there is one. */
export async function resume() {
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
  if (kept && new Date(kept.expiresAt) > Date.now()) keep(kept);
  else forget();
  await look();
  tell('changed');
}

/** Asks who is signed in, and what their files take. */
export async function look() {
  const { token } = credentials;
  const { viewer, limits } = await request(VIEWER);
  session.limits = limits;
  // An answer to what was asked before the last login says nothing of this session.
  if (token !== credentials.token) return;
  // The answer tells of a session that is over as an absence. Who it was is kept: they may log in again.
  if (!viewer && session.user) return token ? credentials.ended() : undefined;
  if (!viewer) forget();
  session.user = viewer;
  tell('usage');
}

/** Opens an account, or logs in to one. */
export async function signIn({ email, password, isNew }) {
  const payload = await mutate(isNew ? REGISTER : LOGIN, { email, password });
  const isAnother = session.user && session.user.id !== payload.user.id;
  keep(payload);
  session.user = { ...payload.user, usage: null };
  session.dispatchEvent(new CustomEvent('changed', { detail: { isAnother } }));
  await look();
}

/** Ends the session, here even if the server is away. */
export async function logOut() {
  try {
    await mutate(LOGOUT);
  } finally {
    forget();
    session.user = null;
    tell('changed');
  }
}
