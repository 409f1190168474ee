import type { LoadOptions, Missing } from './index.js';

export { AshoreError, version } from './index.js';

/** What register() needs of Pyodide: what loadPyodide() makes. */
export interface PyodideLike {
  /** Its file system, which models are read from. */
  readonly FS: unknown;
  /** Makes an object a module that Python can import. */
  registerJsModule(name: string, module: object): void;
  /** Takes it back. */
  unregisterJsModule(name: string): void;
  /** Unpacks a wheel. */
  unpackArchive(buffer: ArrayBuffer | ArrayBufferView, format: string,
    options?: { extractDir?: string }): void;
  /** Runs Python at once: the value of the last expression. */
  runPython(code: string): unknown;
}

/** The package's WebAssembly modules: the address of their folder, which ends with a slash, or what
 *  has them by name ('ashore-full-relaxed.wasm'). */
export type Modules = string | URL | Record<string, ModuleSource | Promise<ModuleSource>>
  | ((name: string) => ModuleSource | Promise<ModuleSource>);
/** A WebAssembly module, or its bytes. */
export type ModuleSource = WebAssembly.Module | ArrayBuffer | ArrayBufferView | Response | Blob;

/** What the engines of all sessions are made of. */
export interface RegisterOptions extends Pick<LoadOptions, 'variant' | 'worker' | 'strict'> {
  /** Threads of a session, 1 to 16, of which Python's is one; default: the cores there are, up to
   *  4.  One where the page is not cross-origin isolated: `missing` says so. */
  threads?: number;
  /** The port of `lendThreads()` of 'ashore/lend', with which the page opens the threads: they start
   *  while Python is busy, and each session has its own, however many there are.  Default: this worker
   *  opens them itself, ahead. */
  threadsFrom?: MessagePort;
  /** How many sessions are to find their threads ready when they are opened one right after the other
   *  (1).  Without `threadsFrom` those behind have none: workers start only while Python awaits
   *  something. */
  sessions?: number;
  /** Where the modules are; default: beside the scripts. */
  modules?: Modules;
  /** false: take the smaller engine first.  A model that needs an operator which it lacks is then
   *  loaded with `await ashore.load(...)` alone, which fetches the other one.  Default: the engine
   *  with every operator, so that every model can be loaded synchronously. */
  full?: boolean;
  /** The wheel of the Python packages, its address or its bytes; default: the one beside the scripts.
   *  false: Python has it already, or will, by micropip. */
  wheel?: string | URL | ArrayBuffer | ArrayBufferView | false;
}

/** What has been prepared. */
export interface Registered {
  /** The variant of the engine. */
  readonly variant: string;
  /** Threads that a session has. */
  readonly threads: number;
  /** What was asked for and is not there, why, and what that costs. */
  readonly missing: readonly Missing[];
  /** Takes the JavaScript module from Python; sessions that there are go on. */
  unregister(): void;
}

/** Prepares the engine on the thread of Pyodide, so that Python makes sessions and runs synchronously:
 *  `import ashore` and `import onnxruntime` work from then on.  Given a promise of Pyodide, it compiles
 *  the engine while Python starts. */
export function register(pyodide: PyodideLike | Promise<PyodideLike>, options?: RegisterOptions):
  Promise<Registered>;
