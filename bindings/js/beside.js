// The WebAssembly modules beside this script.  Bundlers follow an address only where it is written out:
// they get a list of them all in the place of this file.
export const beside = (name) => new URL(name, import.meta.url);
