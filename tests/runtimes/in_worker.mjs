// The package inside of a worker, of the kind that browsers, Deno and Bun have.
const worker = new Worker(new URL('./worker_body.mjs', import.meta.url), { type: 'module' });
worker.onmessage = ({ data }) => {
  console.log(JSON.stringify(data));
  worker.terminate();
};
worker.onerror = (event) => { throw new Error(event.message); };
