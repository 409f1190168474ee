// Maps, which few models take or give: ai.onnx.ml has them.  ashore.js loads this file for a model that
// declares one; where that is not possible, as in a service worker, `import 'ashore/maps'` does it ahead.
import { AshoreError, Core, parts, Tensor } from './ashore.js';

export const maps = {
  /** The keys and the values of a map, as the model declares it: 'map(string,float32[])'; none: it
   *  declares none. */
  partsOf(map, { text }) {
    const found = /map\((\w+),(\w+)/.exec(text);
    return found?.slice(1).map((type, i) => {
      const list = [...(i ? map.values() : map.keys())];
      if (list.every((item) => (typeof item === 'string') === (type === 'string'))) {
        return new Tensor(type, list);
      }
      throw new AshoreError('ERR_TYPE', `${i ? 'values' : 'keys'} of a map are not all ${type}`);
    });
  },

  /** The map of a tensor of keys, and of as many values. */
  mapOf([{ data }, values]) {
    return new Map(Array.from(data, (key, i) => [key, (values.data ?? values)[i]]));
  },
};

Core.maps = maps;
parts.maps = () => Promise.resolve({ maps });
