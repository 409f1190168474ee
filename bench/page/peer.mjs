/** A peer's module; an error with its name where it is not installed. */
export const importPeer = (name, url) => import(url).catch((error) => {
  throw new Error(`${name} is not installed`, { cause: error });
});
