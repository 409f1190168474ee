// Decodes PNG files: standard input has texts of base64, standard output what became of each.
import fs from 'node:fs';
import { opaque, pngPixels } from '../../pages/app/plan/png.js';

const found = [];
for (const text of JSON.parse(fs.readFileSync(0, 'utf8'))) {
  try {
    const made = await pngPixels(new Uint8Array(Buffer.from(text, 'base64')));
    found.push(made && { ...made, data: Buffer.from(made.data).toString('base64') });
  } catch (error) {
    found.push({ error: error.message });
  }
}
let transparent = '';
try {
  opaque({ data: Uint8Array.of(1, 2, 3, 255, 0, 0, 0, 254) });
} catch (error) {
  transparent = error.message;
}
opaque({ data: Uint8Array.of(1, 2, 3, 255) });
process.stdout.write(JSON.stringify({ found, transparent }));
