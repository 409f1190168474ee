// Threads for the engine of a program: this page lends them to its worker, where there can be any.

/** What openSite made, with the port that the worker gets its threads by. */
export async function lent({ worker, boot }) {
  if (!globalThis.crossOriginIsolated) return { worker, boot };
  const { lendThreads } = await import('../ashore/lend.js');
  return { worker, boot: { ...boot, threads: lendThreads().port } };
}
