// The settings of onnxruntime's interface, and what is said about those that have no effect here.
import { version } from './ashore.js';

const implemented = '1.30.0'; // the version of onnxruntime-common whose interface this is
const levels = ['verbose', 'info', 'warning', 'error', 'fatal'];
let level = 'warning';

export const env = {
  wasm: {},
  webgl: {},
  webgpu: {},
  versions: { common: implemented, web: implemented, ashore: version },
  get logLevel() { return level; },
  set logLevel(value) {
    if (value === undefined) return;
    if (!levels.includes(value)) throw new Error(`Unsupported logging level: ${value}`);
    level = value;
  },
};

const said = new Set();

/** Says something once, unless only what is worse than a warning (severity 2) is wanted. */
export function say(text, severity = levels.indexOf(level)) {
  if (severity > 2 || said.has(text)) return;
  said.add(text);
  console.warn(`ashore: ${text}`);
}

// ---- marks on the timeline of the host, when env.trace is set ------------------------------------

const tracing = () => env.trace ?? env.wasm.trace;

export function TRACE(device, label) {
  if (tracing()) console.timeStamp(`${device}::ORT::${label}`);
}

function traceCaller(what, extra) {
  const caller = tracing() && new Error().stack?.split('\n')[3]?.trim().split(' ')[1];
  TRACE('CPU', `FUNC_${what}::${caller}${extra ? `::${extra}` : ''}`);
}

export const TRACE_FUNC_BEGIN = (extra) => traceCaller('BEGIN', extra);
export const TRACE_FUNC_END = (extra) => traceCaller('END', extra);

export function TRACE_EVENT_BEGIN(name) {
  if (tracing()) console.time(`ORT::${name}`);
}

export function TRACE_EVENT_END(name) {
  if (tracing()) console.timeEnd(`ORT::${name}`);
}

// ---- backends: there is one ---------------------------------------------------------------------

export function registerBackend(name, backend) {
  if (typeof backend?.init !== 'function'
    || typeof backend.createInferenceSessionHandler !== 'function') {
    throw new TypeError('not a valid backend');
  }
  say(`registerBackend: '${name}' is not used, models run on this engine`);
}

export const providers = ['cpu', 'wasm'];

export const listSupportedBackends = () => providers.map((name) => ({ name, bundled: true }));
