import path from 'node:path';

export default {
  mode: 'production',
  entry: './main.js',
  output: { path: path.resolve('dist'), filename: 'main.js' },
  // Modules of WebAssembly are larger than what it warns of, and most pages load one of them.
  performance: { assetFilter: (name) => !name.includes('.wasm') },
};
