// The command line of the tools, which is that of the program's commands of the same name.
import { parseArgs } from 'node:util';

export const exits = { ok: 0, failed: 1, usage: 2, input: 3, internal: 4, unsupported: 5 };

const codes = { ERR_UNSUPPORTED: exits.unsupported, ERR_NOMEM: exits.internal,
  ERR_LIMIT: exits.internal, ERR_INTERNAL: exits.internal, ERR_ARGUMENT: exits.usage };

/** Says a message as the program does, and ends with the exit code that fits an error. */
export function giveUp(command, message, code) {
  process.stderr.write(`ashore ${command}: ${message}\n`);
  process.exit(code);
}

export const exitCode = (error) => codes[error.code] ?? exits.input;

/** Values and operands by parseArgs, with --target, --variant, --threads and --cpu understood.  help: what
 *  --help prints. */
export function readOptions(command, options, help) {
  let parsed;
  try {
    parsed = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' },
      threads: { type: 'string' }, variant: { type: 'string' }, cpu: { type: 'string' },
      target: { type: 'string', default: 'wasm' },
      ...help && { help: { type: 'boolean', short: 'h' } }, ...options } });
  } catch (error) {
    giveUp(command, `${error.message.split('. To specify')[0]}${
      help ? ` (ashore ${command} --help)` : ''}`, exits.usage);
  }
  const { values, positionals } = parsed;
  if (values.help) {
    process.stdout.write(help);
    process.exit(exits.ok);
  }
  const cpu = values.cpu === 'none' ? 'scalar' : values.cpu;
  const variant = values.variant ?? cpu ?? 'auto';
  if (!['auto', 'relaxed', 'simd128', 'scalar'].includes(variant)) {
    giveUp(command, `'${variant}' is not a variant: relaxed, simd128, scalar`, exits.usage);
  }
  return { ...values, variant, operands: positionals };
}

/** A number that an option gives, or its default. */
export function numberOf(command, values, name, fallback, least = 0) {
  if (values[name] === undefined) return fallback;
  const value = Number(values[name]);
  if (values[name].trim() === '' || !(value >= least) || !Number.isFinite(value)) {
    giveUp(command, `--${name} is '${values[name]}', which is not a number from ${least}`,
      exits.usage);
  }
  return value;
}
