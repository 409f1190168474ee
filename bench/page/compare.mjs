// Whether two engines give the same answer.

/** An output of rank 4 with its channels last, as one with its channels first. */
export function channelsFirst({ name, data, dims }) {
  if (dims.length !== 4) return { name, data, dims };
  const [n, h, w, c] = dims;
  const to = new data.constructor(data.length);
  for (let i = 0; i < n; i++) {
    for (let at = 0; at < h * w; at++) {
      for (let k = 0; k < c; k++) to[(i * c + k) * h * w + at] = data[(i * h * w + at) * c + k];
    }
  }
  return { name, data: to, dims: [n, c, h, w] };
}

/** All numbers of all outputs in order of size, as one output. */
export function sorted(outputs) {
  const data = Float64Array.from(outputs.flatMap((output) => Array.from(output.data, Number)));
  return [{ name: '', data: data.sort(), dims: [data.length] }];
}

/** The largest difference of two lists of outputs, relative to the largest magnitude of the first list's
 *  output.  Outputs are matched by name, or, where names differ, in order; layouts may differ by extents
 *  of 1.  Infinity where they cannot be compared, or one has a number that is none. */
export function difference(expected, actual) {
  const named = new Map(actual.map((output) => [output.name, output]));
  const same = expected.every(({ name }) => named.has(name));
  if (!same && expected.length !== actual.length) return Infinity;
  return Math.max(0, ...expected.map(({ name, data }, i) =>
    apart(data, (same ? named.get(name) : actual[i]).data)));
}

function apart(expected, actual) {
  if (expected.length !== actual.length) return Infinity;
  let largest = 0;
  let most = 0;
  for (let i = 0; i < expected.length; i++) {
    const [want, got] = [Number(expected[i]), Number(actual[i])];
    if (want === got) {
      largest = Math.max(largest, Number.isFinite(want) ? Math.abs(want) : 0);
      continue;
    }
    const off = Math.abs(want - got);
    if (!(off < Infinity)) return Infinity;
    largest = Math.max(largest, Math.abs(want));
    most = Math.max(most, off);
  }
  return most === 0 ? 0 : most / Math.max(largest, Number.MIN_VALUE);
}
