// What an editor does by itself while somebody types: indents, closes brackets, makes comments. The Tab key stays what it is.

const PAIRS = { '{': '}', '(': ')', '[': ']', '"': '"' };
const CLOSING = Object.values(PAIRS);
const INDENT = '  ';

/** Helps whoever types in an editor. */
export function help(editor) {
  const { area } = editor;
  area.addEventListener('keydown', (event) => {
    if (event.isComposing || event.altKey) return;
    const does = event.ctrlKey || event.metaKey ? event.key === '/' && (() => comment(editor)) : assistance(editor, event);
    if (!does) return;
    event.preventDefault();
    does();
  });
}

/** What to do in place of typing this key, if anything. */
function assistance(editor, { key, shiftKey }) {
  const { value, selectionStart: start, selectionEnd: end } = editor.area;
  const [before, after] = [value[start - 1], value[end]];
  const line = value.slice(value.lastIndexOf('\n', start - 1) + 1, start);
  const isEmpty = start === end;
  if (key === 'Enter' && !shiftKey) {
    const indent = /^ */.exec(line)[0];
    const opens = before !== '"' && before in PAIRS;
    const inner = `\n${indent}${opens ? INDENT : ''}`;
    const rest = opens && after === PAIRS[before] ? `\n${indent}` : '';
    return () => editor.replace(start, end, inner + rest, start + inner.length);
  }
  if (key === 'Backspace' && isEmpty && before in PAIRS && after === PAIRS[before])
    return () => editor.replace(start - 1, end + 1, '');
  if (isEmpty && key === after && CLOSING.includes(key)) return () => editor.area.setSelectionRange(start + 1, start + 1);
  if (isEmpty && ['}', ')', ']'].includes(key) && /^ {2,}$/.test(line))
    return () => editor.replace(start - INDENT.length, end, key);
  const mayPair = key === '"' ? !/[\w"]/.test(before ?? '') && /^[\s)\]},]?$/.test(after ?? '') : /^[\s)\]}]?$/.test(after ?? '');
  if (key in PAIRS && (!isEmpty || mayPair)) {
    const chosen = value.slice(start, end);
    return () => editor.replace(start, end, key + chosen + PAIRS[key], start + 1 + chosen.length);
  }
  return null;
}

/** Makes comments of the chosen lines, or lines of comments. */
function comment(editor) {
  const { value, selectionStart, selectionEnd } = editor.area;
  const start = value.lastIndexOf('\n', selectionStart - 1) + 1;
  const found = value.indexOf('\n', Math.max(start, selectionEnd - 1));
  const end = found < 0 ? value.length : found;
  const lines = value.slice(start, end).split('\n');
  const isComment = lines.every((line) => /^\s*(#|$)/.test(line));
  const changed = lines.map((line) => (isComment ? line.replace(/^(\s*)# ?/, '$1') : line.replace(/^(\s*)(?=\S)/, '$1# ')));
  editor.replace(start, end, changed.join('\n'), Math.max(start, selectionStart + (isComment ? -2 : 2)));
}
