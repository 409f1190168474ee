// Parts of the package that few pages need: files of their own.  A page loads them when it comes to
// that; where there is no import(), in service workers, they are imported beforehand, and enter
// themselves here.
import { AshoreError } from './tensor.js';

export const parts = {
  cache: () => import('./cache.js'),
  estimate: () => import('./estimate.js'),
  failures: () => import('./failures.js'),
  figures: () => import('./figures.js'),
  maps: () => import('./maps.js'),
  node: () => import('./node.js'),
  streams: () => import('./streams.js'),
  threads: () => import('./threads.js'),
};

/** Loads a part. */
export async function part(name) {
  try {
    return await parts[name]();
  } catch (cause) {
    throw new AshoreError('ERR_IO', `${name}.js: ${cause.message}`,
      { cause, advice: `Is it beside ashore.js?  A service worker imports 'ashore/${name}' itself` });
  }
}

/** An error on its way to a program, with advice. */
export const complete = async (error) => (error?.advice === ''
  ? part('failures').then(({ advise }) => advise(error), () => error) : error);

/** What `work` resolves to; errors have advice. */
export async function advised(work) {
  try {
    return await work();
  } catch (error) {
    throw await complete(error);
  }
}
