// The app's files, wherever they are (files_folder.js, files_inside.js).  Pyodide and the engine fetch
// theirs themselves: fetch() becomes one that asks here for what is the app's, and bytes are counted.
class MissingFile extends Error {
  title = 'A file of the page is missing';

  constructor(path, why) {
    super(`${path} cannot be loaded${why ? `: ${why}` : ''}`);
    this.advice = 'Check the connection and reload. The files of the folder that ashore app has '
      + 'written belong together: copy it as a whole, and serve it as it is.';
  }
}

// Bytes of the stage that is going on.
class Stage {
  #loaded = new Map();
  #said = 0;

  constructor(name, total, say) {
    Object.assign(this, { name, total, say });
    say(name, 0, total);
  }

  count(path, bytes) {
    this.#loaded.set(path, (this.#loaded.get(path) ?? 0) + bytes);
    const now = performance.now();
    const loaded = [...this.#loaded.values()].reduce((sum, n) => sum + n, 0);
    if (now - this.#said < 50 && loaded < this.total) return;
    this.#said = now;
    this.say(this.name, loaded, this.total);
  }
}

/** open(path) gives a Response, module(path) the exports of a script; modules(folder) is what the
 *  engine takes its modules from. */
export class Files {
  /** sizes: bytes by path; base: what the addresses of all files begin with; say(stage, loaded, total). */
  constructor(sizes, base, say) {
    const elsewhere = globalThis.fetch.bind(globalThis);
    Object.assign(this, { sizes, base, say, elsewhere });
    globalThis.fetch = (source, options) => {
      const address = String(source?.url ?? source);
      return address.startsWith(base) ? this.open(address.slice(base.length), options)
        : elsewhere(source, options);
    };
  }

  /** A stage, and the paths that it consists of. */
  begin(name, paths) {
    this.counted = new Set(paths);
    const total = paths.reduce((sum, path) => sum + (this.sizes[path] ?? 0), 0);
    this.stage = new Stage(name, total, this.say);
  }

  address(path) { return this.base + path; }

  /** An error, which is remembered: Pyodide would only say that it has failed. */
  lack(path, why) {
    this.missing ??= new MissingFile(path, why);
    return this.missing;
  }

  count(path, bytes) {
    if (this.counted.has(path)) this.stage.count(path, bytes);
  }

  /** What is opened from now on may be opened once more. */
  hold() {}

  /** What is fetched from now on is no concern of the app's. */
  release() { globalThis.fetch = this.elsewhere; }

  async bytes(path) {
    return new Uint8Array(await (await this.open(path)).arrayBuffer());
  }
}
