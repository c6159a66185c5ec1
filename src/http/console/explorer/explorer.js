// The explorer: a place to write operations, run them, and read the schema. It is loaded when somebody first comes here.

import { credentials, request } from '../client.js';
import { byId, el } from '../dom.js';
import { plural, sentence } from '../format.js';
import { openMenu } from '../menu.js';
import { notice } from '../notices.js';
import { session } from '../session.js';
import { Answer, outcomeOf } from './answer.js';
import { button } from './button.js';
import { complete, withRest } from './complete.js';
import { describe } from './describe.js';
import { Docs } from './docs.js';
import { Editor } from './editor.js';
import { examples, first } from './examples.js';
import { Memory } from './history.js';
import { explain } from './hover.js';
import { prettifyJson } from './json.js';
import { Layout } from './layout.js';
import { offsetOf, position } from './lex.js';
import { excerpt, operationAt, parse } from './parse.js';
import { Past } from './past.js';
import { prettify } from './prettify.js';
import { Problems } from './problems.js';
import { listen, send } from './run.js';
import { scan } from './scan.js';
import { INTROSPECTION, Schema } from './schema.js';
import { suggest } from './suggest.js';
import { told } from './told.js';
import { validate } from './validate.js';
import { Variables } from './variables.js';

/** How long somebody may pause while typing, before what they wrote is kept, in milliseconds. */
const PAUSE = 400;

/** The text as it was parsed last: many ask for it after each key. */
let read = parse('');
const parsed = (text) => (read.text === text ? read : (read = parse(text)));

const editor = new Editor({
  label: 'Query',
  hint: 'Tab leaves the field. Ctrl+Enter runs the operation, Ctrl+Space suggests, F1 explains the name at the caret.',
  colours: (text) => parsed(text).tokens,
});
const variables = new Variables();
const problems = new Problems(editor, 'Problems in the query');
const variableProblems = new Problems(variables.editor, 'Problems in the variables');
const memory = new Memory(localStorage);
const answer = new Answer({
  goTo: ({ line, column }) => {
    layout.pane('query');
    editor.select(offsetOf(editor.text, { line, column }));
  },
});
const docs = new Docs({ insert });
const past = new Past(memory, { open: (entry) => put(entry) });
const layout = new Layout({
  editor,
  variables,
  problems,
  variableProblems,
  answer,
  docs,
  past,
  run,
  prettify: tidy,
  examples: (button) =>
    openMenu(
      button,
      examples.map((example) => ({ name: example.name, run: () => put(example) })),
      { label: 'Examples' },
    ),
});

let schema = null;
let loading = null;
/** How to end what is running; null when nothing is. */
let stop = null;
let turn = 0;
let saving;

const current = () => operationAt(parsed(editor.text), editor.caret);

/** Shows the place. */
export function show() {
  // Somebody whose session is over is nobody here until they have logged in again.
  const isOver = Boolean(session.user) && !credentials.token;
  layout.who(isOver ? null : session.user);
  if (isOver) forget();
  load();
}

// The schema.

function load() {
  loading ??= request(INTROSPECTION).then(
    (data) => {
      schema = new Schema(data);
      docs.load(schema);
      check();
    },
    (error) => {
      loading = null;
      const again = button('button', load, 'Try again');
      docs.say(el('p', { class: 'error', role: 'alert' }, `The schema could not be fetched. ${sentence(error)}`), again);
    },
  );
}

// What is written.

/** Looks for what is wrong, and follows the operation at the caret. */
function check(isTyping = false) {
  const document = parsed(editor.text);
  const isEmpty = document.definitions.length === 0 && document.problems.length === 0;
  const found = document.problems.length > 0 || !schema || isEmpty ? document.problems : validate(document, schema);
  problems.show(found, isTyping);
  follow();
  variableProblems.show(variables.problems, isTyping);
}

function follow() {
  const { definitions } = parsed(editor.text);
  const all = definitions.filter(({ kind }) => kind === 'operation');
  const operation = current();
  layout.operations(all, operation, ({ start }) => editor.select(start));
  if (variables.follow(operation, schema, all)) variableProblems.show(variables.problems);
}

function keep() {
  clearTimeout(saving);
  memory.draft = { query: editor.text, variables: variables.editor.text };
}

function changed() {
  check(true);
  clearTimeout(saving);
  saving = setTimeout(keep, PAUSE);
}

/** Puts an operation in the place of what is there. Undo brings that back. */
function put({ query, variables: values }) {
  layout.pane('query');
  variables.reset(values);
  editor.set(query);
  check();
  keep();
}

/** Lays out the query and the variables. What is wrong in one of them stays as it is, and is no hindrance for the other. */
function tidy() {
  const { activeElement: before } = document;
  variables.editor.set(prettifyJson(variables.editor.text) ?? variables.editor.text);
  const text = prettify(editor.text);
  if (text !== null) editor.set(text);
  check();
  // Where undo brings back what was there.
  (before === variables.editor.area ? before : editor.area).focus({ preventScroll: true });
  if (text !== null) return;
  notice('The query has a mistake in its syntax. Put that right first.');
  problems.goToFirst();
}

/** Puts a field of the schema where the caret is, or into an operation of its own. */
function insert(type, field) {
  const { text, tokens: all } = parsed(editor.text);
  const tokens = all.filter(({ kind }) => kind !== 'comment');
  const at = all.find(({ start, end }) => start < editor.caret && editor.caret < end)?.end ?? editor.caret;
  const index = tokens.findIndex(({ start }) => start >= at);
  const context = scan(tokens, index < 0 ? tokens.length : index, schema);
  const root = Object.entries(schema.roots).find(([, other]) => other === type)?.[0];
  if (context.kind === 'selection' && context.type === type) {
    const line = text.slice(0, at).split('\n').at(-1);
    const indent = /^ */.exec(line)[0] + (/\{\s*$/.test(line) ? '  ' : '');
    place(at, at, (line.trim() === '' ? '' : `\n${indent}`) + withRest(field, schema).replaceAll('\n', `\n${indent}`));
  } else if (root) {
    const before = text.trimEnd();
    place(before.length, text.length, `${before && '\n\n'}${root} {\n  ${withRest(field, schema).replaceAll('\n', '\n  ')}\n}\n`);
  } else {
    notice(`Put the caret among the fields of ${type.name} first.`);
  }
}

/** Puts a text with a mark for the caret into the query. */
function place(start, end, text) {
  const at = text.indexOf('|');
  layout.pane('query');
  editor.replace(start, end, text.replace('|', ''), start + (at < 0 ? text.length : at));
  check();
}

// Running.

/** Runs the operation at the caret, or ends what is running. */
function run() {
  if (stop) return stop();
  const document = parsed(editor.text);
  const operation = current();
  const values = variables.value;
  if (!operation && document.problems.length === 0) {
    notice('There is nothing to run yet. “Examples” has operations to begin with.');
    return editor.select(editor.caret);
  }
  if (!values) {
    answer.refuse('Nothing has been sent: the variables are no JSON object.');
    layout.pane('variables');
    return variableProblems.goToFirst();
  }
  const missing = variables.missingFile;
  if (missing) {
    answer.clear();
    layout.pane('variables');
    variables.askFor(missing);
    return variableProblems.show(variables.problems);
  }
  // A document that is none is sent as it is: the server says what it makes of it.
  const whole = { text: document.text, place: (offset) => offset };
  const { text: query, place } = document.problems.length > 0 ? whole : excerpt(operation, document);
  const located = (location) => position(document.text, place(offsetOf(query, location)));
  const kind = operation?.operation ?? 'query';
  const { selections } = operation ?? {};
  const fields = selections ? document.text.slice(selections.start, selections.end) : document.text;
  const at = memory.add({ query: document.text, variables: variables.editor.text, name: operation?.name?.text, kind, fields });
  const remember = (outcome) => memory.settle(at, outcome);
  keep();
  check();
  layout.pane('answer');
  if (kind === 'subscription') subscribe({ query, ...values }, located, remember);
  else ask({ query, ...values }, located, remember);
}

async function ask(operation, located, remember) {
  const own = ++turn;
  const { promise, cancel } = send(operation, (part) => own === turn && answer.progress(part));
  begin(cancel, 'Cancel');
  answer.wait('Waiting for the answer…');
  const outcome = await promise;
  remember(outcomeOf(outcome));
  if (own !== turn) return;
  begin(null);
  answer.settle(outcome, located);
  point(outcome.body, located);
}

function subscribe(operation, located, remember) {
  const own = ++turn;
  let [count, isRefused] = [0, false];
  answer.listen();
  const end = listen(operation, {
    onEvent: (body) => {
      count++;
      isRefused ||= Boolean(body.errors);
      if (own !== turn) return;
      answer.event(body, located);
      point(body, located);
    },
    onEnd: (text, isError) => {
      remember({ text: isRefused || isError ? 'failed' : plural(count, 'event'), isBad: isRefused || isError });
      if (own !== turn) return;
      begin(null);
      answer.end(text, isError);
    },
  });
  begin(end, 'Stop');
}

function begin(end, word) {
  stop = end;
  layout.running(end ? word : null);
}

/** Marks the places that only the server's answer names, beside what was found here. */
function point(body, located) {
  const document = parsed(editor.text);
  const own = document.problems.length > 0 || !schema ? document.problems : validate(document, schema);
  const others = told(body?.errors, { document, located, own, ownVariables: variables.problems });
  if (others.length > 0) problems.show([...own, ...others]);
}

// What happens.

editor.addEventListener('change', changed);
editor.addEventListener('caret', follow);
variables.editor.addEventListener('change', changed);
variables.addEventListener('change', () => check());
suggest(editor, (offset, isAsked) => (schema ? complete(parsed(editor.text), offset, schema, isAsked) : { items: [] }));
explain(editor, (offset) => schema && describe(parsed(editor.text), offset, schema));
explain(variables.editor, () => undefined);
addEventListener('pagehide', keep);
for (const type of ['dragover', 'drop']) byId('explorer').addEventListener(type, (event) => variables.drag(event));

byId('explorer').addEventListener('keydown', (event) => {
  const isCommand = event.ctrlKey || event.metaKey;
  const does =
    event.key === 'Enter' && isCommand
      ? run
      : event.shiftKey && isCommand && event.code === 'KeyP'
        ? tidy
        : event.key === 'F1' && event.target === editor.area
          ? explainHere
          : null;
  if (!does) return;
  event.preventDefault();
  does();
});

function explainHere() {
  const found = schema && describe(parsed(editor.text), editor.caret, schema);
  layout.side('docs', true);
  if (found) docs.show(found.place);
}

session.addEventListener('changed', ({ detail }) => {
  layout.who(session.user);
  // What one person was answered is not for the next.
  if (!session.user || detail?.isAnother) forget();
});

/** Ends what is running, and takes away what was answered. */
function forget() {
  stop?.();
  turn++;
  begin(null);
  answer.clear();
}

const draft = memory.draft ?? { query: first, variables: '' };
variables.editor.begin(draft.variables);
editor.begin(draft.query);
check();
