// How many multiplications and additions a plan takes: those of convolutions, products of matrices,
// recurrent operators and attention; all others are left out.

const elements = (dims) => dims.reduce((product, d) => product * d, 1);
// Quantised operators of that form have scales and zero points in between.
const weightsAt = (op) => (/^QLinear/.test(op) ? 3 : 1);

function convolution(op, inputs, output) {
  const w = inputs[weightsAt(op)];
  const each = elements(w) / (w[0] || 1);
  return each * elements(/Transpose/.test(op) ? inputs[0] : output);
}

function product(op, inputs, output) {
  const b = inputs[weightsAt(op)];
  const depth = /NBits/.test(op) ? inputs[0].at(-1)
    : b.length < 2 ? b[0] : elements(b.slice(-2)) / (output.at(-1) || 1);
  return elements(output) * (depth ?? 0);
}

function recurrent(op, [x, w, r]) {
  return x[0] * x[1] * (elements(w) + elements(r));
}

// Scores and what they weigh; keys are [N, heads, length, size] or [N, length, heads * size].
function attention(op, [q, k], output) {
  const length = k.length === 4 && k[3] !== q[3] ? k[3] : k.at(-2);
  return length * (elements(q) + elements(output));
}

const kinds = [[/Conv/, convolution], [/MatMul|^Gemm$/, product], [/LSTM|GRU|RNN/, recurrent],
  [/Attention/, attention]];
const unknown = ['Loop', 'Scan', 'If']; // they run steps of their own

/** steps: [{ op, inputs, output }], shapes; null: none, or not known.
 *  Returns { count, exact }. */
export function multiplyAdds(steps) {
  let count = 0;
  let exact = true;
  for (const { op, inputs, output } of steps) {
    if (unknown.includes(op)) exact = false;
    const kind = kinds.find(([pattern]) => pattern.test(op));
    if (!kind) continue;
    let own = NaN;
    try {
      own = kind[1](op, inputs, output);
    } catch { /* an operand that these have is left out */ }
    if (own >= 0) count += own;
    else exact = false;
  }
  return { count, exact };
}
