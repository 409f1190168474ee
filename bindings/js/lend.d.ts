/** Threads of a page for an engine in one of its workers. */
export interface LentThreads {
  /** Goes to the worker, in the list of what postMessage() transfers, and there to register(). */
  readonly port: MessagePort;
  /** Ends the threads, also those of sessions that are open.  The end of the worker does it as well. */
  close(): void;
}

/** Opens threads for the sessions of Python in a worker, whose own event loop stands still while Python
 *  computes: this page's does not.  worker: the address of the threads' script, as for `load`. */
export function lendThreads(options?: { worker?: string | URL }): LentThreads;
