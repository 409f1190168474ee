#!/usr/bin/env node
// ashore COMMAND ...: what the package does on a command line.
import { version } from '../index.js';

const commands = {
  trim: ['./trim.mjs', 'write an engine that holds what one model needs'],
  estimate: ['./estimate.mjs', 'write into a manifest what its model takes'],
};
const usage = `ashore ${version} - runs ONNX models in pages, in workers and in Node

Usage: ashore COMMAND [options] ...

${Object.entries(commands).map(([name, [, what]]) => `  ${name.padEnd(9)}  ${what}`).join('\n')}

  ashore COMMAND --help   what a command does, its options, examples
  ashore --version        the version of the package
`;

const [command] = process.argv.splice(2, 1);
if (command === '--version') {
  console.log(version);
} else if (command === '--help' || command === '-h') {
  process.stdout.write(usage);
} else if (Object.hasOwn(commands, command ?? '')) {
  await import(commands[command][0]);
} else {
  process.stderr.write(`ashore: ${command === undefined ? 'no command is given'
    : `there is no command '${command}'`}\n\n${usage}`);
  process.exit(2);
}
