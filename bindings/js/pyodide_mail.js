// A run in one call from Python: what it is given and what it answers lie in some memory of Python's,
// the mailbox, as 32-bit words, with the bytes of small tensors behind them.  No object of Python's has
// to be stood for in JavaScript, and no text is made or parsed.
//
// Python writes: inputs, outputs, the index of each output; then for each input index, type, place, bytes,
// rank, extents.  The answer has for each output type, place, bytes, rank, extents.  Types are ONNX's
// numbers, places count bytes from the mailbox's begin.  What is larger than `small` does not go through
// the mailbox: the place of an input is `beside` and the number of its buffer among the arguments, that
// of an output is `beside`, and take() of the session copies it.
import { Tensor, types } from './ashore.js';
import { bytesOf, elements } from './pyodide_values.js';

const wordBytes = 4096; // of the mailbox; bytes of tensors lie behind
const small = 16384; // bytes
const beside = 0x80000000;
const align = 8;
const rows = [...types.values()];

const upTo = (size) => Math.ceil(size / align) * align;

export class Mail {
  #proxy;
  #buffer;
  #bytes = new Uint8Array(0);
  #words;

  /** Bytes of tensors that went through here, to the engine and back. */
  received = 0;
  written = 0;

  /** proxy: of Python's memory. */
  constructor(proxy) { this.#proxy = proxy.copy(); }

  // Python's heap moves when it grows, which leaves views of it empty.
  #fresh() {
    if (this.#bytes.length) return this.#words;
    this.#buffer?.release();
    this.#buffer = this.#proxy.getBuffer('u8');
    this.#bytes = this.#buffer.data;
    const { buffer, byteOffset, length } = this.#bytes;
    this.#words = new Uint32Array(buffer, byteOffset, length / 4);
    return this.#words;
  }

  /** What is asked for: { outputs: indices, inputs: [[index, Tensor]] }, whose bytes are Python's. */
  read(views) {
    const words = this.#fresh();
    let at = 2;
    const outputs = [...words.subarray(at, at += words[1])];
    const inputs = [];
    for (let i = 0; i < words[0]; i++) {
      const [index, number, place, size, rank] = words.subarray(at, at += 5);
      const dims = words.subarray(at, at += rank);
      const row = rows[number - 1];
      const bytes = place >= beside ? views[place - beside] : this.#bytes.subarray(place, place + size);
      if (place < beside) this.received += size;
      inputs.push([index, new Tensor(row.name, elements(bytes, row.array), dims)]);
    }
    return { outputs, inputs };
  }

  /** Writes tensors of numbers: the indices of those that are to be taken beside; null where the words
   *  do not fit. */
  write(tensors) {
    const words = this.#fresh();
    let at = 0;
    let place = wordBytes;
    const left = [];
    for (const [i, { type, dims, data }] of tensors.entries()) {
      if (4 * (at + 4 + dims.length) > wordBytes) return null;
      const size = data.byteLength;
      const fits = size <= small && place + size <= this.#bytes.length;
      words.set([types.get(type).number, fits ? place : beside, size, dims.length, ...dims], at);
      at += 4 + dims.length;
      if (!fits) left.push(i);
      else {
        this.#bytes.set(bytesOf(data), place);
        this.written += size;
        place = upTo(place + size);
      }
    }
    return left;
  }

  close() {
    this.#buffer?.release();
    this.#proxy.destroy();
  }
}
