// read_pictures.mjs PACKAGE MODELS JOBS: prints the lines of text in each picture of JOBS, JSON
// [{ file (RGB bytes), width, height }], as JSON.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Reader, readKeys } from '../../pages/ocr/ocr.js';

const [folder, models, jobs] = process.argv.slice(2);
const part = (name) => import(pathToFileURL(path.resolve(folder, name)));
const { load } = await part('index.js');
const { openPrep } = await part('prep.js');

const file = (name) => path.join(models, name);
const reader = new Reader({
  detection: await load(file('ch_PP-OCRv4_det_infer.onnx')),
  direction: await load(file('ch_ppocr_mobile_v2.0_cls_infer.onnx')),
  recognition: await load(file('ch_PP-OCRv4_rec_infer.onnx')),
  prep: await openPrep(),
  characters: readKeys(fs.readFileSync(file('ppocr_keys_v1.txt'), 'utf8')),
});
const found = [];
for (const { file: pixels, width, height } of JSON.parse(jobs)) {
  const { lines } = await reader.readAll({ data: fs.readFileSync(pixels), width, height });
  found.push(lines.map(({ text }) => text));
}
console.log(JSON.stringify(found));
for (const name of ['detection', 'direction', 'recognition', 'prep']) reader[name].close();
