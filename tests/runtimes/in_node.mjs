// The package inside of a worker of Node.
import { Worker } from 'node:worker_threads';

new Worker(new URL('./worker_body.mjs', import.meta.url)).once('message', (data) => {
  console.log(JSON.stringify(data));
});
