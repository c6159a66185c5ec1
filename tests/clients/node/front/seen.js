// What a stream of results has given so far, and waiting for what it is still to give.

/** How long anything may take that a test waits for, in milliseconds. */
const PATIENCE = 15_000;

/** Collects results; tests wait for one of them instead of sleeping. */
export class Seen {
  values = [];
  error = undefined;
  ended = false;
  #waiting = new Set();

  /** For a stream to call. */
  next = (value) => {
    this.values.push(value);
    this.#look();
  };
  fail = (error) => {
    this.error = error;
    this.#end();
  };
  complete = () => this.#end();

  get last() {
    return this.values.at(-1);
  }

  /** The newest value, as soon as it passes; at once if it does already. */
  until(passes, what) {
    return this.#wait(
      () => this.values.length > 0 && passes(this.last) && { value: this.last },
      what,
    );
  }

  /** Resolves when the stream has completed; rejects with its error. */
  async end() {
    await this.#wait(() => this.ended && { value: undefined }, 'the end', true);
    if (this.error) throw this.error;
  }

  #wait(look, what, mayEnd = false) {
    return new Promise((resolve, reject) => {
      const waiting = { look, resolve, reject, mayEnd };
      waiting.deadline = setTimeout(() => {
        this.#waiting.delete(waiting);
        const { data, error, hasNext } = this.last ?? {};
        const last = JSON.stringify({ data, error, hasNext });
        reject(new Error(`never saw ${what}; the last of ${this.values.length}: ${last}`));
      }, PATIENCE);
      this.#waiting.add(waiting);
      this.#look();
    });
  }

  #look() {
    for (const waiting of this.#waiting) {
      const found = waiting.look();
      if (found) this.#settle(waiting, () => waiting.resolve(found.value));
      else if (this.ended && !waiting.mayEnd) {
        this.#settle(waiting, () => waiting.reject(this.error ?? new Error('the stream ended')));
      }
    }
  }

  #settle(waiting, how) {
    clearTimeout(waiting.deadline);
    this.#waiting.delete(waiting);
    how();
  }

  #end() {
    this.ended = true;
    this.#look();
  }
}

/** What the promise gives, unless it takes longer than anything should. */
export function soon(promise, what) {
  let deadline;
  const late = new Promise((_, reject) => {
    deadline = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(deadline));
}
