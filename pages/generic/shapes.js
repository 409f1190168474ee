// Extents that the model leaves open. What is open has a key: the model's own name for it, or
// "input:axis" where it has none. A table of extents ({ key: number }) is filled while inputs are
// made.

const isName = (d) => typeof d === 'string' && d !== '?' && /^[^()+*/ ]+$/.test(d);

/** The key of an open extent; null for one that the model fixes. */
export const keyOf = (info, axis) => (typeof info.dims[axis] === 'number' ? null
  : isName(info.dims[axis]) ? info.dims[axis] : `${info.name}:${axis}`);

/** { key, first, where } of all open extents of some inputs; first: it leads in every input. */
export function openExtents(infos) {
  const found = new Map();
  for (const info of infos) {
    (info.dims ?? []).forEach((d, axis) => {
      const key = keyOf(info, axis);
      if (!key) return;
      const entry = found.get(key) ?? { key, first: true, where: [] };
      entry.first &&= axis === 0;
      entry.where.push(`${info.name}, axis ${axis}`);
      found.set(key, entry);
    });
  }
  return [...found.values()];
}

/** Extents as far as they are known; undefined for the others. */
export const known = (info, extents) => info.dims.map((d, axis) => {
  const key = keyOf(info, axis);
  return key ? extents[key] : d;
});

/** Enters what an input has shown; throws where it contradicts the model or another input. */
export function enter(info, dims, extents) {
  if (!info.dims) return;
  const has = `“${info.name}” is [${dims.join(', ')}]`;
  if (dims.length !== info.dims.length) {
    throw new RangeError(`${has}, but the model wants ${info.dims.length} dimensions: ${
      info.text}`);
  }
  known(info, extents).forEach((d, axis) => {
    const key = keyOf(info, axis);
    if (d === undefined) extents[key] = dims[axis];
    else if (d !== dims[axis]) {
      throw new RangeError(key ? `${has}, but ${key} is ${d} elsewhere`
        : `${has}, but the model wants ${info.text}`);
    }
  });
}

/** Extents for `count` elements: the last open one takes what the others leave, those are 1. */
export function fit(info, count, extents) {
  if (!info.dims) return [count];
  const dims = known(info, extents);
  const last = dims.lastIndexOf(undefined);
  const rest = dims.reduce((product, d, axis) => (axis === last ? product : product * (d ?? 1)), 1);
  const exact = last < 0 ? rest === count : rest > 0 && count % rest === 0;
  if (!exact) {
    const has = `“${info.name}” has ${count} number${count === 1 ? '' : 's'}`;
    const wanted = last < 0 ? rest : `a multiple of ${rest}`;
    throw new RangeError(`${has}, but needs ${wanted} (${info.text})`);
  }
  return dims.map((d, axis) => (axis === last ? count / rest : d ?? 1));
}

/** Extents for what has no content of its own: 1 where nothing else is known. */
export const guess = (info, extents) => (info.dims ? known(info, extents).map((d) => d ?? 1) : []);
