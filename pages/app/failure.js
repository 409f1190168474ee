// Shows an error: what, where in the user's program, what to do, and Python's traceback.
const element = (id) => document.getElementById(id);

function put(id, text) {
  element(id).textContent = text ?? '';
  element(id).hidden = !text;
}

export function showFailure({ title, message, frame, advice, traceback }) {
  put('failure-title', title ?? 'The page could not start the program');
  put('failure-message', message);
  put('failure-frame', frame);
  put('failure-advice', advice);
  const trace = element('failure-trace');
  trace.hidden = !traceback;
  trace.querySelector('pre').textContent = traceback ?? '';
  element('failure').hidden = false;
}
