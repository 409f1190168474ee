// The page of an app: starts the worker in which Python runs, and shows how far it is, what it prints,
// what went wrong, and the program's interface if it has one.
import { showFailure } from './failure.js';
import { bootIn } from './host.js';
import { Printed } from './printed.js';
import { Progress } from './progress.js';
import { Snapshot } from './snapshot.js';

const element = (id) => document.getElementById(id);

function note(text) {
  const item = document.createElement('li');
  item.textContent = text;
  element('notes').append(item);
}

// What a program that has no interface leaves to be seen.
function finish(printed) {
  element('status').textContent = printed.isEmpty
    ? 'The program has run to its end, and printed nothing.' : 'The program has run to its end.';
  element('progress').hidden = true;
  element('stages').hidden = true;
}

async function show({ config }, worker, printed) {
  if (!config) return finish(printed);
  const [{ mount }, { connect }] = await Promise.all([import('./gradio/render.js'),
    import('./gradio/host.js')]);
  await mount(element('face'), config, connect(worker));
  for (const id of ['title', 'start']) element(id).hidden = true; // the interface has its own
  return undefined;
}

/** openSite: makes the worker, and what it is told.  stages: of its start, where they are others. */
export async function start(openSite, stages) {
  const printed = new Printed(element('output'), element('console'));
  const progress = new Progress(element('status'), element('progress'), element('stages'),
    stages);
  try {
    const { worker, boot } = await openSite();
    const snapshot = await Snapshot.find(boot.app.snapshot);
    const ready = await bootIn(worker, { ...boot, snapshot: snapshot.given }, {
      stage: (message) => progress.show(message),
      print: (message) => printed.add(message),
      note: ({ text }) => note(text),
      snapshot: (message) => snapshot.take(message),
      lost: showFailure,
    }, snapshot.transfer);
    printed.flush();
    await show(ready, worker, printed);
    document.documentElement.dataset.state = 'ready';
  } catch (error) {
    printed.flush();
    progress.stop();
    showFailure(error);
    document.documentElement.dataset.state = 'failed';
  }
}
