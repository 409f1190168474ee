// wasm_core.mjs FULL.wasm MAP.json LIST.txt CORE.wasm NAMES.txt: the engine that load() takes first,
// which is FULL trimmed to the operators of LIST, and the names of all that it has.  Of an engine of
// some families alone (--part), operators of LIST may be missing.
import fs from 'node:fs';
import { operatorsIn, trim } from '../bindings/js/tools/trimmer.mjs';

const [full, mapFile, list, core, names, part] = process.argv.slice(2);
const map = JSON.parse(fs.readFileSync(mapFile));
const known = operatorsIn(map);
const wanted = fs.readFileSync(list, 'utf8').split('\n')
  .filter((line) => line && !line.startsWith('#'))
  .filter((name) => part !== '--part' || known.has(name));
const { bytes, operators } = trim(fs.readFileSync(full), map, wanted, ['parse']);
fs.writeFileSync(core, bytes);
// Six modules are made at once, and have the same operators.
const own = `${names}.${process.pid}`;
fs.writeFileSync(own, `${operators.join('\n')}\n`);
fs.renameSync(own, names);
