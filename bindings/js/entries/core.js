// The engine's core, with what load() has no use for.
import { Core as Engine } from './ashore.js';
import { install } from './failures.js';
import { figures, predict, profile } from './figures.js';
import './maps.js';
import { hold } from './streams.js';

export { joinPool, version } from './ashore.js';
export { sharedMemory } from './threads.js';

const kinds = ['tensor', 'sequence', 'optional'];

export class Core extends Engine {
  constructor(module, memory) {
    install();
    super(module, memory);
  }

  /** The value in a serialised TensorProto, SequenceProto or OptionalProto. */
  parse(bytes, kind = 'tensor') {
    return this.lend(bytes.length, (at) => {
      this.write(at, bytes);
      return this.make('parse', kinds.indexOf(kind), at, bytes.length);
    });
  }

  hold(name, value) { return hold(this, name, value); }

  figures() { return figures(this); }

  predict(dims) { return predict(this, dims); }

  profile() { return profile(this); }
}
