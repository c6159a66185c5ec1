// What the server says of a document, beside what was found here: a mistake that both have seen is listed once, in our words.

import { offsetOf } from './lex.js';

/** The codes of a document that was not run, and of variables that were not taken. */
const UNREAD = 'GRAPHQL_PARSE_FAILED';
const INVALID = 'GRAPHQL_VALIDATION_FAILED';
const REFUSED = 'BAD_USER_INPUT';
const CLOSING = { '(': ')', '[': ']', '{': '}' };

/**
 * The problems that only the server has seen, each with `start`, `end` and `message`. `located` leads its places back to the
 * whole document; `own` was found in that, `ownVariables` in the variables.
 */
export function told(errors, { document, located, own, ownVariables }) {
  const seen = new Set();
  const found = [];
  for (const { message, locations, extensions } of Array.isArray(errors) ? errors : []) {
    for (const location of locations ?? []) {
      const start = offsetOf(document.text, located(location));
      const key = `${start} ${message}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const token = document.tokens.find((token) => token.start <= start && start < token.end);
      const problem = { start, end: token?.end ?? start + 1, message: String(message), isFromServer: true };
      if (!isKnown(extensions?.code, problem, document, own, ownVariables)) found.push(problem);
    }
  }
  return found;
}

function isKnown(code, { start }, document, own, ownVariables) {
  // It stops at the first mistake; we do not.
  if (code === UNREAD) return document.problems.length > 0;
  // It names the variable, where we name the place within its value.
  if (code === REFUSED) return ownVariables.length > 0 && document.text[start] === '$';
  if (code !== INVALID) return false;
  const end = endOf(start, document);
  return own.some((problem) => problem.start < end && problem.end > start);
}

/** Where that ends which begins at an offset: the server names an argument, say, where we name its value. */
function endOf(start, { tokens: all, definitions }) {
  const whole = definitions.find((definition) => definition.start === start);
  if (whole) return whole.end;
  const tokens = all.filter(({ kind }) => kind !== 'comment');
  let at = tokens.findIndex((token) => token.start <= start && start < token.end);
  if (at < 0) return start + 1;
  const is = (index, text) => tokens[index]?.kind === 'punctuator' && tokens[index].text === text;
  if (['...', '@', '$'].some((sign) => is(at, sign))) at++;
  if (is(at + 1, ':')) at = endOfValue(tokens, at + 2);
  // Fields where there are none are told at the field.
  else if (is(at + 1, '{')) at++;
  return (tokens[at] ?? tokens.at(-1)).end;
}

/** The index of the last token of a value, or of a type. */
function endOfValue(tokens, from) {
  let open = 0;
  for (let at = from; at < tokens.length; at++) {
    const { kind, text } = tokens[at];
    if (kind === 'punctuator' && CLOSING[text]) open++;
    else if (kind === 'punctuator' && Object.values(CLOSING).includes(text)) open--;
    if (open <= 0 && text !== '$') return at;
  }
  return tokens.length - 1;
}
