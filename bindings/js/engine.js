// An engine: a module's instance, its memory and its threads.
import { Core } from './core.js';
import { compile, moduleURL } from './modules.js';
import { part } from './parts.js';
import { ioError } from './source.js';
import { choose, loseThreads, refuse } from './variants.js';

export const stopAll = (members) => {
  for (const member of members.splice(0)) member.stop();
};

async function threadsFor(choice, strict) {
  if (!choice.shared) return undefined;
  try {
    return await part('threads');
  } catch (error) {
    choice.shared = false;
    loseThreads(choice, 1, error.message);
    refuse(choice, strict);
    return undefined;
  }
}

// Threads start while the module is compiled, and join while the model is downloaded.
export async function makeEngine(options, signal) {
  const choice = choose(options);
  const { shared } = choice;
  const compiled = async () => {
    if (options.module && choice.shared === shared) return options.module;
    const url = moduleURL(choice, options.modules);
    const sent = await options.compiled; // by the page of this worker
    return sent?.url === url.href ? sent.module : compile(url, signal);
  };
  const begin = () => {
    const module = compiled();
    module.catch(() => {}); // reported below
    return module;
  };
  let compiling = begin();
  const threads = await threadsFor(choice, options.strict);
  const memory = threads?.memoryFor(choice, options);
  if (choice.shared !== shared) compiling = begin();
  const members = [];
  try {
    if (threads) members.push(...await threads.openMembers(choice, options.worker, options.relay));
    const module = await compiling;
    const core = new Core(module, memory);
    for (const member of members) member.join(module, memory);
    return { choice, core, members, threads };
  } catch (error) {
    stopAll(members);
    signal?.throwIfAborted();
    throw error.name === 'AshoreError' ? error : ioError(moduleURL(choice, options.modules), error, '');
  }
}

export function dispose({ core, members }) {
  stopAll(members);
  core.close();
}

// The engine with every operator, for a model that needs one which the first lacks.  Files, [address,
// size, location] each, move from memory to memory.  Where it is not to be had, what the first says
// stands.
export async function enlarge(first, files, options, lack) {
  stopAll(first.members);
  let engine;
  try {
    engine = await makeEngine({ ...options, full: true }, options.signal);
    for (const file of files) {
      const at = engine.core.allocate(file[1]);
      engine.core.write(at, new Uint8Array(first.core.memory.buffer, file[0], file[1]));
      file[0] = at;
    }
  } catch (error) {
    if (engine) dispose(engine);
    options.signal?.throwIfAborted();
    lack.cause = error;
    throw lack;
  }
  dispose(first);
  return engine;
}
