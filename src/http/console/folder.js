// What is on the screen: the files of a folder, or those that were searched for, as far as they have been fetched.

import { request } from './client.js';
import { events } from './events.js';
import { FILE, FILES, FOLDER, SEARCH } from './operations.js';

/** How many files are fetched at a time. */
const PAGE = 60;
/** How many announcements are remembered: of images whose upload has not been answered yet. */
const REMEMBERED = 500;

/** The orders to choose from. The first is the one to begin with. */
export const orders = {
  newest: { name: 'Newest first', orderBy: { field: 'CREATED_AT', direction: 'DESC' } },
  oldest: { name: 'Oldest first', orderBy: { field: 'CREATED_AT', direction: 'ASC' } },
  name: { name: 'Name, A to Z', orderBy: { field: 'NAME', direction: 'ASC' } },
  eman: { name: 'Name, Z to A', orderBy: { field: 'NAME', direction: 'DESC' } },
  largest: { name: 'Largest first', orderBy: { field: 'SIZE', direction: 'DESC' } },
  smallest: { name: 'Smallest first', orderBy: { field: 'SIZE', direction: 'ASC' } },
};

/** The filters to choose from. The first holds for everything. */
export const filters = {
  all: { name: 'Everything', filter: {} },
  images: { name: 'Images', filter: { kinds: ['IMAGE'] } },
  files: { name: 'Other files', filter: { kinds: ['FILE'] } },
  folders: { name: 'Folders', filter: { kinds: ['FOLDER'] } },
  public: { name: 'Public', filter: { isPublic: true } },
  failed: { name: 'Failed thumbnails', filter: { thumbnailStatus: 'FAILED' } },
};

/** Tells `change`: something is to be drawn again. */
class Folder extends EventTarget {
  /** What is looked at. */
  parentId = null;
  search = '';
  filter = 'all';
  order = 'newest';
  /** What is known of it. */
  items = [];
  total = null;
  /** The folders down to this one, itself included; empty at the root. */
  path = [];
  hasNext = false;
  isLoading = false;
  error = null;
  #byId = new Map();
  #cursor = null;
  /** Counts what was looked at, so that a late answer is known for one. */
  #turn = 0;
  /** Counts what was added and removed, so that a page asked for before that does not undo it. */
  #changes = 0;
  #settled = new Map();
  #reload;

  constructor() {
    super();
    events.addEventListener('file', ({ detail }) => this.#announced(detail));
    events.addEventListener('live', () => this.#catchUp());
  }

  /** Looks at something else. What is not named stays as it is. */
  async show(wanted) {
    const isElsewhere = 'parentId' in wanted && wanted.parentId !== this.parentId;
    Object.assign(this, wanted);
    const turn = ++this.#turn;
    this.#clear();
    this.isLoading = false;
    if (isElsewhere) this.path = [];
    await Promise.all([this.#findPath(turn), this.more()]);
  }

  /** Forgets everything, as when somebody signs out. */
  empty() {
    this.#turn++;
    Object.assign(this, { parentId: null, search: '', filter: 'all', path: [], isLoading: false });
    this.#settled.clear();
    this.#clear();
    this.#tell();
  }

  /** Fetches the next page. */
  async more() {
    if (this.isLoading || (this.items.length > 0 && !this.hasNext)) return;
    const turn = this.#turn;
    // Where the files could not be fetched, neither could the path.
    if (this.error) this.#findPath(turn);
    this.isLoading = true;
    this.error = null;
    this.#tell();
    try {
      const page = await this.#page(PAGE, this.#cursor);
      if (turn !== this.#turn) return;
      this.#take(page);
    } catch (error) {
      if (turn === this.#turn) this.error = error;
    } finally {
      if (turn === this.#turn) {
        this.isLoading = false;
        this.#tell();
      }
    }
  }

  /** Fetches what is on the screen once more, soon, without emptying it first. */
  refreshSoon(how) {
    clearTimeout(this.#reload);
    this.#reload = setTimeout(() => this.refresh(how), 300);
  }

  /**
   * Fetches the first page once more, and the path. Those below it are fetched again as they are scrolled to; where nobody has
   * asked for it, as `isQuiet` says, they stay, and a failure that has nothing to do with this folder is not told.
   */
  async refresh({ isQuiet = false } = {}) {
    // What is on its way is fresh, and is to be told if it fails.
    if (isQuiet && this.isLoading) return;
    const turn = ++this.#turn;
    const changes = this.#changes;
    this.isLoading = true;
    this.#findPath(turn);
    try {
      const page = await this.#page(Math.min(100, Math.max(PAGE, this.items.length)), null);
      if (turn !== this.#turn) return;
      if (changes !== this.#changes) return this.refreshSoon({ isQuiet });
      const below = isQuiet ? this.#below(page) : [];
      const [cursor, hasNext] = [this.#cursor, this.hasNext];
      this.#clear();
      this.#take(page);
      if (below.length === 0) return;
      for (const row of below) this.#byId.set(row.id, row);
      this.items.push(...below);
      this.#cursor = cursor;
      this.hasNext = hasNext;
    } catch (error) {
      if (turn !== this.#turn) return;
      const isGone = error.code === 'NOT_FOUND';
      if (isGone) this.#clear();
      if (isGone || !isQuiet) this.error = error;
    } finally {
      if (turn === this.#turn) {
        this.isLoading = false;
        this.#tell();
      }
    }
  }

  get(id) {
    return this.#byId.get(id);
  }

  /** A file is new: in its place if that is known, which is only the case at the top. */
  add(file) {
    if (this.search || !this.#matches(file) || (file.parent?.id ?? null) !== this.parentId) return;
    if (this.#byId.has(file.id)) return this.apply(file);
    // What matches a filter now may be as old as any.
    if (this.order !== 'newest' || this.filter !== 'all') return this.refreshSoon();
    const row = this.#fresh(file);
    this.items.unshift(row);
    this.#byId.set(row.id, row);
    this.#changes++;
    if (this.total !== null) this.total++;
    this.#tell();
  }

  /** A file has changed. Where it was changes only with a look at the server. */
  apply(file) {
    const row = this.#byId.get(file.id);
    if (!row) return;
    const moved = !this.search && (file.parent?.id ?? null) !== this.parentId;
    if (moved || !this.#matches(this.#fresh(file))) return this.remove(file.id);
    Object.assign(row, this.#fresh(file));
    this.#tell();
  }

  /** A file has gone. */
  remove(id) {
    if (!this.#byId.delete(id)) return;
    this.#changes++;
    this.items = this.items.filter((item) => item.id !== id);
    if (this.total !== null) this.total--;
    this.#tell();
    if (this.items.length === 0 && this.hasNext) this.more();
  }

  /** The thumbnails are being made again: what was announced before is of the old ones. */
  forget(id) {
    this.#settled.delete(id);
  }

  /** Whether the filter lets it through. */
  #matches(file) {
    const { kinds, ...equal } = filters[this.filter].filter;
    return (!kinds || kinds.includes(file.kind)) && Object.entries(equal).every(([field, value]) => file[field] === value);
  }

  /** What is known of the files below a first page as it is now; nothing where the two do not join. */
  #below({ nodes, pageInfo }) {
    const at = pageInfo.hasNextPage ? this.items.findIndex(({ id }) => id === nodes.at(-1).id) : -1;
    const ids = new Set(nodes.map(({ id }) => id));
    return at < 0 ? [] : this.items.slice(at + 1).filter(({ id }) => !ids.has(id));
  }

  async #page(first, after) {
    const { filter } = filters[this.filter];
    const { orderBy } = orders[this.order];
    if (!this.search) {
      const { files } = await request(FILES, { parentId: this.parentId, filter, orderBy, first, after });
      // Null: there is no such folder.
      return files ?? Promise.reject(Object.assign(new Error('No such folder.'), { code: 'NOT_FOUND' }));
    }
    const { viewer } = await request(SEARCH, { filter: { ...filter, nameContains: this.search }, orderBy, first, after });
    return viewer?.files ?? Promise.reject(Object.assign(new Error('Signed out.'), { code: 'UNAUTHENTICATED' }));
  }

  #take({ nodes, pageInfo, totalCount }) {
    for (const node of nodes.filter(({ id }) => !this.#byId.has(id))) {
      const row = this.#fresh(node);
      this.items.push(row);
      this.#byId.set(row.id, row);
    }
    Object.assign(this, { hasNext: pageInfo.hasNextPage, total: totalCount });
    this.#cursor = pageInfo.endCursor;
  }

  async #findPath(turn) {
    if (this.parentId === null) {
      this.path = [];
      return;
    }
    try {
      const { file } = await request(FOLDER, { id: this.parentId });
      if (turn !== this.#turn || !file) return;
      this.path = [...(file.ancestors ?? []), file];
      this.#tell();
    } catch {
      // The files themselves failed in the same way, and say so.
    }
  }

  #announced(file) {
    this.#settled.set(file.id, file);
    if (this.#settled.size > REMEMBERED) this.#settled.delete(this.#settled.keys().next().value);
    // Another browser of the same account may have uploaded it.
    if (this.#byId.has(file.id)) this.apply(file);
    else this.add(file);
  }

  /** An image may have settled before its upload was answered. */
  #fresh(file) {
    const settled = file.thumbnailStatus === 'PENDING' && this.#settled.get(file.id);
    if (!settled) return { ...file };
    const { thumbnailStatus, thumbnailError, thumbhash, thumbnails, width, height } = settled;
    return { ...file, thumbnailStatus, thumbnailError, thumbhash, thumbnails, width, height };
  }

  /** Images that settled while nobody listened are asked for one by one: there are few. */
  async #catchUp() {
    for (const { id } of this.items.filter((item) => item.thumbnailStatus === 'PENDING')) {
      try {
        const { file } = await request(FILE, { id });
        if (file) this.apply(file);
        else this.remove(id);
      } catch {
        return; // The connection broke again; the next one catches up.
      }
    }
  }

  #clear() {
    this.items = [];
    this.#byId.clear();
    this.#cursor = null;
    this.hasNext = false;
    this.total = null;
    this.error = null;
  }

  #tell() {
    this.dispatchEvent(new Event('change'));
  }
}

/** The one there is. */
export const folder = new Folder();
