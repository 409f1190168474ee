// Answers the page: starts the plan, then calls its functions, one after the other.
import { boot } from './boot.js';
import { given } from './given.js';

const post = (message) => postMessage(message);

async function answer(plan, { call, fn, data }) {
  const notice = (level, message) => post({ type: 'progress', call, kind: 'message', level, message,
    title: level === 'info' ? 'Info' : 'Warning', duration: 10 });
  try {
    const { inputs } = plan.plan.functions[fn];
    const values = await Promise.all(inputs.map((how, i) => given(data.values[i], how)));
    const found = await plan.call(fn, values, { notice });
    post({ type: 'result', call, data: found, final: false });
    post({ type: 'result', call, data: null, final: true });
  } catch (error) {
    const own = error.name === 'Error' || error.title !== undefined;
    post({ type: 'error', call, message: own || !error.name ? error.message
      : `${error.name}: ${error.message}`, title: error.title, duration: error.duration,
    visible: error.visible });
  }
}

/** filesOf(message, say): the files that the message of the page tells of. */
export function serve(filesOf) {
  let plan = null;
  let turn = Promise.resolve();
  globalThis.onmessage = ({ data }) => {
    if (data.type === 'call' && plan) turn = turn.then(() => answer(plan, data));
    if (data.type === 'cancel') {
      post({ type: 'error', call: data.call, cancelled: true, message: 'Stopped.' });
    }
    if (data.type !== 'boot') return;
    const files = filesOf(data, (stage, loaded, total) => post({ type: 'stage', stage, loaded, total }));
    turn = boot(data, files, post).then((started) => { plan = started; });
  };
}
