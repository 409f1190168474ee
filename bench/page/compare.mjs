// Whether two engines give the same answer.

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
