// A recurrent model over recorded speech, window after window (Silero VAD).
import * as ort from 'onnxruntime-web';
import { readFile } from 'node:fs/promises';

const size = 512;
const context = 64;
const session = await ort.InferenceSession.create('silero_vad_v5.onnx');
const raw = await readFile('speech.raw');
const samples = new Int16Array(raw.buffer, raw.byteOffset, raw.length / 2);
const audio = Float32Array.from(samples, (sample) => sample / 32768);
let state = new ort.Tensor('float32', Array(2 * 128).fill(0), [2, 1, 128]);
const sr = new ort.Tensor('int64', [16000n]);
const heard = [];
for (let at = context; at + size <= audio.length; at += size) {
  const input = new ort.Tensor('float32', audio.subarray(at - context, at + size),
    [1, context + size]);
  const out = await session.run({ input, state, sr });
  state = out.stateN;
  heard.push(out.output.data[0].toFixed(2));
}
console.log(heard.join(' '), state.dims);
