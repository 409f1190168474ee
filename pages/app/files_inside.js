// The app's files inside of a page that is one file.
import { decode, inflate, joined } from './dense.js';
import { Files } from './files.js';

const kindOf = (path) => (path.endsWith('.wasm') ? 'application/wasm'
  : /\.m?js$/.test(path) ? 'text/javascript' : 'application/octet-stream');

/** files: [{ path, texts }], which are unpacked when they are asked for. */
export class Inside extends Files {
  #texts;
  #held = null; // paths that were opened, and may be opened once more
  threadless = 'a page in one file has none';

  constructor(sizes, files, say) {
    super(sizes, 'https://inside.invalid/', say);
    this.#texts = new Map(files.map(({ path, texts }) => [path, texts]));
  }

  async open(path) {
    const texts = this.#texts.get(path);
    if (!texts) throw this.lack(path, 'it is not in this page');
    if (this.#held) this.#held.add(path);
    else this.#texts.delete(path);
    const bytes = await inflate(joined(texts.map(decode)));
    this.count(path, bytes.length);
    return new Response(bytes, { headers: { 'Content-Type': kindOf(path) } });
  }

  async module(path) {
    const blob = new Blob([await this.bytes(path)], { type: kindOf(path) });
    const address = URL.createObjectURL(blob);
    try {
      return await import(address);
    } finally {
      URL.revokeObjectURL(address);
    }
  }

  hold() { this.#held = new Set(); }

  release() {
    super.release();
    for (const path of this.#held ?? []) this.#texts.delete(path);
    this.#held = null;
  }

  modules(folder) { return (name) => this.bytes(folder + name); }
}
