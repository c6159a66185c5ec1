// A process that renders: one of the contenders, driven by lines on its standard input.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export class Worker {
  /** Starts it, on these cores only, with these variables beside those of the environment. */
  constructor({ command, env = {} }, cores) {
    this.command = command;
    const options = { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } };
    this.child = spawn('taskset', ['--cpu-list', cores, ...command], options);
    this.child.stdin.on('error', () => {});
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /** Sends a request and waits for its answer: the parts of a line. */
  async ask(...request) {
    this.child.stdin.write(`${request.join('\t')}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`${this.command.join(' ')} ended at: ${request.join(' ')}`);
    return value.split('\t');
  }

  /** How long it takes to render so often: nanoseconds gone by, and those of the processor. */
  async time(path, count, concurrent = 1) {
    const [took, used] = await this.ask('time', path, count, concurrent);
    return { took: Number(took), used: Number(used) };
  }

  /** Ends it. */
  stop() {
    this.child.stdin.end();
  }
}
