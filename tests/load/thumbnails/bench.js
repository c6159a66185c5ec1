// Measures the contenders on every kind of picture, in turns, and prints tables in Markdown. `run` starts it.
//
// Each is a process that stays: how long it takes to start is not measured. A round asks every contender once, one after
// the other, each in its turn first; a machine that is busy with something else thus slows all of them. Ratios are
// those within a round.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { filesOf, kinds } from './sources.js';
import { Worker } from './worker.js';

const { values: options } = parseArgs({
  options: {
    sources: { type: 'string' },
    program: { type: 'string' },
    rounds: { type: 'string' },
    photos: { type: 'string' },
    only: { type: 'string', default: '' },
  },
});
const rounds = Number(options.rounds);
/** The heap as the server sets it for the processes that render (src/thumbnails/pool.rs). */
const HEAP = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '1048576', MALLOC_TRIM_THRESHOLD_: '4194304' };
const programs = {
  ours: { command: [options.program, 'ours'], env: HEAP },
  sharp: { command: [process.execPath, join(import.meta.dirname, 'sharp.js')] },
  image: { command: [options.program, 'image'] },
};
const names = Object.keys(programs);
const WIDTHS = [100, 250, 500];
/** How long a contender is timed at a stretch, in nanoseconds, unless one picture takes longer. */
const SLICE = 150e6;

const say = (text) => process.stderr.write(`${text}\n`);
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const table = (heads, rows) => [heads, heads.map((_, index) => (index ? '--:' : '---')), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
const times = (ratio) => `${ratio.toFixed(2)}x`;
const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(1);

/** The cores that this process may use. */
function cores() {
  const list = /^Cpus_allowed_list:\s+(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1];
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => String(first + index));
  });
}
const [one, two] = cores();

/**
 * Two at once. sharp has one process with two pictures under way, as a service that uses it has; the others have two
 * processes, as Strongroom has, and whichever is free takes the next picture.
 */
class Pair {
  constructor(name) {
    this.isOne = name === 'sharp';
    this.workers = Array.from({ length: this.isOne ? 1 : 2 }, () => new Worker(programs[name], `${one},${two}`));
  }

  async time(path, count) {
    let left = 2 * count;
    const begun = process.hrtime.bigint();
    const work = async (worker) => {
      while (left-- > 0) await worker.time(path, 1);
    };
    await (this.isOne ? this.workers[0].time(path, left, 2) : Promise.all(this.workers.map(work)));
    return { took: Number(process.hrtime.bigint() - begun) / 2 };
  }

  stop() {
    this.workers.forEach((worker) => worker.stop());
  }
}

const alone = Object.fromEntries(names.map((name) => [name, new Worker(programs[name], one)]));
const pairs = two ? Object.fromEntries(names.map((name) => [name, new Pair(name)])) : {};

/** Times all of them on one file. Answers, for each, nanoseconds an image and how many times faster than sharp. */
async function race(contenders, path) {
  const counts = {};
  for (const name of names) {
    // What comes first is not counted: memory that is touched for the first time, code that has not been compiled yet.
    if (name === 'sharp') await contenders[name].time(path, 3);
    const { took } = await contenders[name].time(path, 1);
    counts[name] = Math.max(1, Math.round(SLICE / took));
  }
  const measured = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(round + turn) % names.length];
      const { took, used } = await contenders[name].time(path, counts[name]);
      measured[name].push({ took: took / counts[name], used: used / counts[name] });
    }
  }
  const of = (name, what) => measured[name].map((time) => time[what]);
  const ratio = (name, what) => median(of(name, what).map((time, round) => measured.sharp[round][what] / time));
  const result = (name) => ({ took: median(of(name, 'took')), ratio: ratio(name, 'took'), used: ratio(name, 'used') });
  return Object.fromEntries(names.map((name) => [name, result(name)]));
}

/** The most memory that a process of its own takes for one image. */
async function memory(name, path) {
  const worker = new Worker(programs[name], one);
  const [most, idle] = (await worker.ask('memory', path)).map(Number);
  worker.stop();
  return { most, job: most - idle - statSync(path).size };
}

const work = mkdtempSync(join(tmpdir(), 'thumbnails-'));

/** For each width: how good the thumbnail is, and how large. */
async function quality(name, path) {
  const folder = join(work, name);
  mkdirSync(folder, { recursive: true });
  await alone[name].ask('write', path, folder);
  const answer = await alone.image.ask('compare', path, folder);
  return answer.map((part) => {
    const [psnr, luma, ssim, bytes] = part.split(' ').map(Number);
    return { psnr, luma, ssim, bytes };
  });
}

async function measure(kind) {
  const files = filesOf(kind, options.sources, Number(options.photos));
  const results = [];
  for (const path of files) {
    say(`${kind.title}: ${path}`);
    const result = { bytes: statSync(path).size, alone: await race(alone, path) };
    if (two) result.pair = await race(pairs, path);
    result.memory = {};
    result.quality = {};
    for (const name of names) {
      result.memory[name] = await memory(name, path);
      result.quality[name] = await quality(name, path);
    }
    results.push(result);
  }
  return { kind, results };
}

/** Images a second and ratios, over all photos of a kind. */
function speed({ kind, results }) {
  const rate = (where, name) => (1e9 / mean(results.map((result) => result[where][name].took))).toFixed(1);
  const ratio = (where, name, what = 'ratio') => times(mean(results.map((result) => result[where][name][what])));
  const megabytes = (mean(results.map((result) => result.bytes)) / 1e6).toFixed(1);
  const columns = (where) => [rate(where, 'sharp'), ratio(where, 'image'), rate(where, 'ours'), `**${ratio(where, 'ours')}**`];
  return [kind.title, megabytes, ...columns('alone'), ratio('alone', 'ours', 'used'), ...(two ? columns('pair') : [])];
}

function memoryOf({ kind, results }) {
  const most = (name, what) => mebibytes(Math.max(...results.map((result) => result.memory[name][what])));
  return [kind.title, ...['ours', 'sharp', 'image'].flatMap((name) => [most(name, 'most'), most(name, 'job')])];
}

function qualityOf({ kind, results }) {
  return WIDTHS.map((width, index) => {
    const all = (name, what) => results.map((result) => result.quality[name][index][what]);
    const both = (what, digits, scale = 1) => ['ours', 'sharp'].map((name) => (mean(all(name, what)) * scale).toFixed(digits));
    const least = (what) => Math.min(...all('ours', what).map((value, photo) => value - all('sharp', what)[photo]));
    const signed = (value, digits) => value.toFixed(digits).replace(/^-(?=[0.]*$)/, '').replace(/^(?!-)/, '+');
    return [
      `${kind.title}, ${width}`,
      ...both('luma', 2), signed(least('luma'), 2),
      ...both('ssim', 4), signed(least('ssim'), 4),
      ...both('psnr', 2),
      ...both('bytes', 1, 1e-3),
    ];
  });
}

async function main() {
  const [sharp] = await alone.sharp.ask('version');
  const all = [];
  for (const kind of kinds.filter(({ name }) => name.includes(options.only))) all.push(await measure(kind));
  if (all.length === 0) throw new Error(`${options.only} is none of ${kinds.map(({ name }) => name).join(', ')}`);

  const lock = readFileSync(join(import.meta.dirname, '../../../Cargo.lock'), 'utf8');
  const crate = /name = "image"\nversion = "(.*)"/.exec(lock)[1];
  const rustc = execFileSync('rustc', ['--version'], { encoding: 'utf8' }).split(' ').slice(0, 2).join(' ');
  const gibibytes = Math.round(Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))[1]) / 2 ** 20);
  const date = new Date().toISOString().slice(0, 10);
  const machine = `${cpus()[0].model.trim()}, ${cpus().length} cores, ${gibibytes} GiB`;
  console.log(`Measured on ${date}: ${machine}; ${rustc}, image ${crate}, ${sharp}.`);
  console.log(`${all[0].results.length} photos of each kind, ${rounds} rounds.\n`);
  console.log('### Images a second\n');
  const heads = ['source', 'MB', 'sharp', '`image`', 'Strongroom', 'ratio', 'by processor time'];
  console.log(table(two ? [...heads, 'sharp, 2 workers', '`image`', 'Strongroom', 'ratio'] : heads, all.map(speed)));
  console.log('\n### Memory\n');
  console.log('The most for one image, in MiB: the whole process, and what the job adds beyond the file and an idle process.\n');
  console.log(table(['source', 'Strongroom, process', 'job', 'sharp, process', 'job', '`image`, process', 'job'], all.map(memoryOf)));
  console.log('\n### Quality\n');
  console.log('PSNR in dB, sizes of files in kB; *least* is the difference on the photo where Strongroom does worst.\n');
  console.log(
    table(
      ['source, width', 'PSNR of luma', 'sharp', 'least', 'SSIM', 'sharp', 'least', 'PSNR of RGB', 'sharp', 'kB', 'sharp'],
      all.flatMap(qualityOf),
    ),
  );
}

try {
  await main();
} finally {
  [...Object.values(alone), ...Object.values(pairs)].forEach((worker) => worker.stop());
  rmSync(work, { recursive: true });
}
