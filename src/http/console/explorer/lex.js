// GraphQL as tokens, by the grammar of the specification. Whatever the text is, it becomes tokens: what is none has the kind
// `wrong`, and strings that do not end are marked as open.

const SPACE = /[\s,\uFEFF]+/y;
const COMMENT = /#[^\n\r]*/y;
const STRING = /"[^"\\\n\r]*(?:\\.[^"\\\n\r]*)*("?)/y;
const PUNCTUATOR = /\.\.\.|[!$&()[\]{}:=|@]/y;
const NAME = /[A-Za-z_]\w*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
/** What may not stand right after a number, and belongs to it all the same. */
const TAIL = /[\w.]+/y;
/** Up to where a text that is no token reaches. */
const JUNK = /-?[^\s,\uFEFF#"!$&()[\]{}:=|@A-Za-z_\d-]*/y;

/** All tokens, with comments, each with its `kind`, where it starts and ends, and its `text`. */
export function lex(text) {
  const tokens = [];
  let at = 0;
  const match = (pattern) => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  const push = (kind, length, more) => {
    tokens.push({ kind, start: at, end: at + length, text: text.slice(at, at + length), ...more });
    at += length;
  };
  while (at < text.length) {
    let found = match(SPACE);
    if (found) {
      at += found[0].length;
    } else if ((found = match(NAME))) {
      push('name', found[0].length);
    } else if ((found = match(PUNCTUATOR))) {
      push('punctuator', found[0].length);
    } else if ((found = match(COMMENT))) {
      push('comment', found[0].length);
    } else if (text.startsWith('"""', at)) {
      const { end, isOpen } = blockEnd(text, at + 3);
      push('block', end - at, { isOpen });
    } else if ((found = match(STRING))) {
      push('string', found[0].length, { isOpen: found[1] === '' });
    } else if ((found = match(NUMBER))) {
      const kind = found[1] || found[2] ? 'float' : 'int';
      const { length } = found[0];
      TAIL.lastIndex = at + length;
      const tail = TAIL.exec(text)?.[0].length ?? 0;
      push(tail > 0 ? 'wrong' : kind, length + tail);
    } else {
      push('wrong', Math.max(1, match(JUNK)?.[0].length ?? 1));
    }
  }
  return tokens;
}

/** Where a block string ends whose content begins here. */
function blockEnd(text, from) {
  for (let end = text.indexOf('"""', from); end >= 0; end = text.indexOf('"""', end + 1)) {
    if (text[end - 1] !== '\\') return { end: end + 3, isOpen: false };
  }
  return { end: text.length, isOpen: true };
}

/** Line and column of an offset, from 1, as the server counts them. */
export function position(text, offset) {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: before.at(-1).length + 1 };
}

/** The offset of a line and a column, within the text. */
export function offsetOf(text, { line, column }) {
  let start = 0;
  for (let left = line - 1; left > 0; left--) {
    const end = text.indexOf('\n', start);
    if (end < 0) return text.length;
    start = end + 1;
  }
  return Math.min(text.length, start + column - 1);
}
