// What Python prints, as messages: at once, but when a program floods the page, in larger pieces.
const most = 20; // messages in a window
const span = 100; // ms of a window

/** Makes Python's output messages; returns what sends the rest. */
export function listen(pyodide, post) {
  const held = [];
  let begin = 0;
  let count = 0;

  const flush = () => {
    for (const [stream, text] of held.splice(0)) post({ type: 'print', stream, text });
  };
  const say = (stream, text) => {
    const last = held.at(-1);
    if (last?.[0] === stream) last[1] += text;
    else held.push([stream, text]);
    const now = performance.now();
    if (now - begin > span) [begin, count] = [now, 0];
    if (count++ < most || held.at(-1)[1].length > 65536) flush();
  };
  const writer = (stream) => {
    const decoder = new TextDecoder();
    return { isatty: false, write: (bytes) => {
      const text = decoder.decode(bytes, { stream: true });
      if (text) say(stream, text);
      return bytes.length;
    } };
  };
  pyodide.setStdout(writer('stdout'));
  pyodide.setStderr(writer('stderr'));
  pyodide.setStdin({ error: true });
  return flush;
}
