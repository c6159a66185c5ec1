// Puts what comes on standard input between the two markers of that name in a document.
//
// `node document.js FILE NAME`: the markers are the lines `<!-- NAME: begin -->` and `<!-- NAME: end -->`.
import { readFileSync, writeFileSync } from 'node:fs';

const [path, name] = process.argv.slice(2);
const [begin, end] = ['begin', 'end'].map((which) => `<!-- ${name}: ${which} -->`);
const text = readFileSync(path, 'utf8');
const [from, to] = [text.indexOf(begin), text.indexOf(end)];
if (from < 0 || to < from) throw new Error(`${path} has no ${begin} before an ${end}`);
const measured = readFileSync(0, 'utf8').trim();
writeFileSync(path, `${text.slice(0, from + begin.length)}\n\n${measured}\n\n${text.slice(to)}`);
