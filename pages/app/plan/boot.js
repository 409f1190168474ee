// Starts the engine with the program's models, and what the program does at its start.
import { choose, load, Tensor } from '../../ashore/ashore.js';
import { openPicture } from './given.js';
import { Plan } from './run.js';

class BootError extends Error {
  constructor(title, { message, advice }) {
    super(message);
    Object.assign(this, { title, advice });
  }
}

const typeOf = (path) => ({ png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif',
  webp: 'image/webp', bmp: 'image/bmp' }[path.split('.').pop().toLowerCase()] ?? '');

const folderOf = (path) => path.slice(0, path.lastIndexOf('/') + 1);

// Where the engine's module is in one file: compiled from what lies in the page.
async function moduleOf(files, full) {
  const modules = files.modules('ashore/');
  if (typeof modules === 'string') return { modules, full: full || undefined };
  const { variant } = choose({ variant: 'auto', threads: 1 });
  const bytes = await modules(`ashore-${full ? 'full-' : ''}${variant}.wasm`);
  return { module: await WebAssembly.compile(bytes), variant, threads: 1, full };
}

async function openModel(files, { path, external, full }, engine) {
  const base = `program/${folderOf(path)}`;
  const data = Object.fromEntries(await Promise.all(external.map(async (location) =>
    [location, await files.bytes(base + location)])));
  const options = { ...engine[full], name: path, shell: 'inline' };
  if (external.length) options.external = data;
  return load(await files.bytes(`program/${path}`), options);
}

async function openEngine(files, plan) {
  try {
    const needed = [...new Set(plan.models.map(({ full }) => full))];
    const engine = Object.fromEntries(await Promise.all(needed.map(async (full) =>
      [full, await moduleOf(files, full)])));
    const models = [];
    for (const model of plan.models) models.push(await openModel(files, model, engine));
    return models;
  } catch (error) {
    throw new BootError('The engine could not be started', error);
  }
}

// Files of the interface in the place of their numbers.
async function withFiles(value, files) {
  if (value === null || typeof value !== 'object') return value;
  if (value.$file !== undefined) return files.bytes(`plan/files/${value.$file}`);
  if (Array.isArray(value)) return Promise.all(value.map((one) => withFiles(one, files)));
  return Object.fromEntries(await Promise.all(Object.entries(value).map(async ([key, one]) =>
    [key, await withFiles(one, files)])));
}

const notesOn = (models, { threadless }) => (models[0]?.report.missing ?? []).map(
  ({ feature, why, cost }) => (feature === 'threads'
    ? `Threads are not available: ${threadless ?? why}; ${cost}.` : `Without ${feature}: ${why}; ${cost}.`));

async function bootAll({ sizes }, files, post) {
  files.begin('engine', Object.keys(sizes).filter((path) => path.startsWith('program/')));
  const plan = JSON.parse(new TextDecoder().decode(await files.bytes('plan/plan.json')));
  const models = await openEngine(files, plan);
  for (const text of notesOn(models, files)) post({ type: 'note', text });
  files.begin('program', []);
  const pictures = await Promise.all(plan.pictures.map(async (path) => openPicture({ name: path,
    type: typeOf(path), bytes: await files.bytes(`program/${path}`) })));
  const running = new Plan(plan, { models, pictures,
    tensor: (type, data, dims) => new Tensor(type, data, dims),
    print: (text) => post({ type: 'print', stream: 'stdout', text }),
    notice: () => {} });
  running.start();
  const config = await withFiles(plan.config, files);
  files.release();
  return { running, config };
}

/** Says how it went; resolves to the plan, null when it could not be started. */
export async function boot(message, files, post) {
  try {
    const { running, config } = await bootAll(message, files, post);
    post({ type: 'ready', config });
    return running;
  } catch (failure) {
    const error = files.missing ?? failure;
    post({ type: 'failed', title: error.title ?? error.name, message: error.message,
      advice: error.advice });
    return null;
  }
}
