// What the host is: a page, a worker, Node.
const builtin = (name) => globalThis.process?.getBuiltinModule?.(`node:${name}`);
// The pages of Electron are pages, even where they have Node as well.
export const node = builtin('worker_threads') && globalThis.process.versions?.node
  && globalThis.process.type !== 'renderer' ? {
    threads: builtin('worker_threads'), fs: builtin('fs'), os: builtin('os'), url: builtin('url'),
  } : null;
// In Node a document is one that tests or a renderer on the server have made.
export const isPage = !node && typeof window === 'object' && typeof document === 'object';

// Yields to messages without the 4 ms that nested timers are held up for.
export const breathe = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    resolve();
  };
  port2.postMessage(0);
});
