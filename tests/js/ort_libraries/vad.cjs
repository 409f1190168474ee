// A library that is made for onnxruntime-web and requires it by name (@ricky0123/vad-web).
const { readFileSync } = require('node:fs');
const { NonRealTimeVAD } = require('@ricky0123/vad-web/dist/non-real-time-vad.js');

async function main() {
  const raw = readFileSync('speech.raw');
  const samples = new Int16Array(raw.buffer, raw.byteOffset, raw.length / 2);
  const vad = await NonRealTimeVAD.new({
    modelURL: 'silero_vad_legacy.onnx',
    modelFetcher: async (path) => new Uint8Array(readFileSync(path)).buffer,
    ortConfig: (ort) => { ort.env.logLevel = 'error'; },
  });
  for await (const { audio, start, end } of vad.run(Float32Array.from(samples, (s) => s / 32768),
    16000)) console.log('speech', audio.length, start, end);
  console.log(vad.ort.InferenceSession.name);
}
main();
