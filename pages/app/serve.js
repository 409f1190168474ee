// Answers the page: starts the program, then calls its functions.
import { boot } from './boot.js';

const post = (message, transfer) => postMessage(message, transfer);

/** filesOf(message, say): the files that the message of the page tells of. */
export function serve(filesOf) {
  let program = null; // what answers calls, when the program has launched an interface
  globalThis.onmessage = async ({ data }) => {
    if (data.type !== 'boot') program?.handle(data);
    else {
      const files = filesOf(data, (stage, loaded, total) =>
        post({ type: 'stage', stage, loaded, total }));
      program = await boot(data, files, post);
    }
  };
}
