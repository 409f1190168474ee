// Numbers and texts as Python writes and reads them.
import { exact, LimitError, PlanError } from './arrays.js';

const view = new DataView(new ArrayBuffer(8));

// x * 10 ** digits, to the nearest whole number, halves to the even one: exactly.
function scaled(x, digits) {
  view.setFloat64(0, Math.abs(x));
  const bits = view.getBigUint64(0);
  const power = Number((bits >> 52n) & 2047n);
  let over = power ? (bits & 0xfffffffffffffn) | 0x10000000000000n : bits & 0xfffffffffffffn;
  let under = 1n;
  const shift = BigInt(Math.max(power, 1) - 1075);
  if (shift >= 0n) over <<= shift;
  else under <<= -shift;
  if (digits >= 0) over *= 10n ** BigInt(digits);
  else under *= 10n ** BigInt(-digits);
  const whole = over / under;
  const twice = 2n * (over % under);
  return twice > under || (twice === under && whole % 2n === 1n) ? whole + 1n : whole;
}

const isMinus = (x) => x < 0 || Object.is(x, -0);

// The digits of |x| with so many behind the point.
function fixed(x, digits) {
  const text = scaled(x, digits).toString().padStart(digits + 1, '0');
  return digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text;
}

const written = (power) => `e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;

// The digits of |x| with one before the point, and its power of ten.
function scientific(x, digits) {
  if (x === 0) return ['0'.repeat(digits + 1), 0];
  let power = Number(x.toExponential().split('e')[1]);
  let text = scaled(x, digits - power).toString();
  if (text.length > digits + 1) {
    power += 1;
    text = scaled(x, digits - power).toString();
  }
  return [text, power];
}

const pointed = (text) => (text.length > 1 ? `${text[0]}.${text.slice(1)}` : text);

function general(x, digits) {
  const count = digits || 1;
  const [text, power] = scientific(x, count - 1);
  const bare = (number) => (number.includes('.') ? number.replace(/\.?0+$/, '') : number);
  return power >= -4 && power < count ? bare(fixed(x, count - 1 - power))
    : bare(pointed(text)) + written(power);
}

// The digits that tell a number from its neighbours, as Python's repr has them.
function shortest(x, single) {
  let text = Math.abs(x).toExponential();
  if (single) {
    for (let n = 0; n < 9; n++) {
      text = Math.abs(x).toExponential(n);
      if (Math.fround(Number(text)) === Math.abs(x)) break;
    }
    text = text.replace(/\.?0+e/, 'e');
  }
  const [mantissa, exponent] = text.split('e');
  const digits = mantissa.replace('.', '');
  const power = Number(exponent);
  if (single && Math.abs(x) >= 2 ** 24 && power < 16) {
    throw new LimitError('versions of numpy write a float32 of this size in different ways; float(x) is '
      + 'the same in all');
  }
  if (power < -4 || power >= 16 || (single && x !== 0 && Math.abs(x) < 1e-4)) {
    return pointed(digits) + written(power);
  }
  if (power < 0) return `0.${'0'.repeat(-power - 1)}${digits}`;
  return digits.length > power + 1 ? `${digits.slice(0, power + 1)}.${digits.slice(power + 1)}`
    : `${digits.padEnd(power + 1, '0')}.0`;
}

const odd = (x) => (Number.isNaN(x) ? 'nan' : 'inf');

function magnitude(x, type, { kind, precision }) {
  if (!Number.isFinite(x)) return odd(x) + (kind === '%' ? kind : '');
  const isInt = type === 'int' || (type === 'number' && Number.isSafeInteger(x));
  if (kind === undefined || kind === 'd') return isInt ? BigInt(Math.abs(x)).toString()
    : shortest(x, type === 'float32');
  const digits = precision ?? 6;
  switch (kind.toLowerCase()) {
    case 'f': return fixed(x, digits);
    case '%': return `${percent(x, digits)}%`;
    case 'e': {
      const [text, power] = scientific(Math.abs(x), digits);
      return pointed(text) + written(power);
    }
    default: return general(Math.abs(x), digits);
  }
}

// Python multiplies by 100 in floating point first.
const percent = (x, digits) => (Number.isFinite(x * 100) ? fixed(x * 100, digits) : odd(x * 100));

const grouped = (text, mark) => {
  const [, whole, rest] = /^(\d*)(.*)$/s.exec(text);
  return whole.replace(/\B(?=(\d{3})+$)/g, mark) + rest;
};

function aligned(text, sign, { fill = ' ', align, width = 0 }, usual) {
  const room = width - [...text].length - sign.length;
  if (room <= 0) return sign + text;
  const side = align ?? usual;
  if (side === '=') return sign + fill.repeat(room) + text;
  if (side === '<') return sign + text + fill.repeat(room);
  if (side === '>') return fill.repeat(room) + sign + text;
  const before = Math.floor(room / 2);
  return fill.repeat(before) + sign + text + fill.repeat(room - before);
}

/** format(x, spec) of a value of a type. */
export function format([x], { type, spec }) {
  if (type === 'bool') return x ? 'True' : 'False';
  if (type === 'str') {
    const text = spec.precision === undefined ? x : [...x].slice(0, spec.precision).join('');
    return aligned(text, '', spec, '<');
  }
  const minus = isMinus(x) && !Number.isNaN(x) && !(type === 'int' && x === 0);
  const sign = minus ? '-' : spec.sign && spec.sign !== '-' ? spec.sign : '';
  let text = magnitude(x, type, spec);
  if (/[EFG]/.test(spec.kind ?? '')) text = text.toUpperCase();
  if (spec.group && spec.zero && spec.width) {
    while ([...grouped(text, spec.group)].length + sign.length < spec.width) {
      text = `0${text}`;
      if (grouped(text, spec.group).length + sign.length > spec.width) break;
    }
  }
  if (spec.group) text = grouped(text, spec.group);
  const how = spec.zero && !spec.align ? { ...spec, fill: '0', align: '=' } : spec;
  return aligned(text, sign, how, '>');
}

/** round(x, digits), or round(x) as an int. */
export function round([x], { digits }) {
  if (!Number.isFinite(x)) {
    if (digits !== undefined) return x;
    throw new PlanError(Number.isNaN(x) ? 'ValueError' : 'OverflowError',
      `cannot convert float ${Number.isNaN(x) ? 'NaN' : 'infinity'} to integer`);
  }
  const found = digits === undefined ? Number(scaled(x, 0)) : Number(`${scaled(x, digits)}e${-digits}`);
  if (digits === undefined) return (x < 0 ? -found : found) + 0;
  return isMinus(x) ? -found : found;
}

// Digits of any script as 0 to 9.  They follow each other in tens.
const westernDigits = (text) => text.replace(/\p{Nd}/gu, (digit) => {
  const code = digit.codePointAt(0);
  if (code >= 0x1d7ce && code <= 0x1d7ff) return String((code - 0x1d7ce) % 10);
  let zero = code;
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return String(code - zero);
});

/** int(x). */
export function int([x], { of }) {
  if (of === 'str') {
    const text = westernDigits(strip(x));
    if (/^[+-]?\d+(_\d+)*$/.test(text)) return exact(Number(text.replaceAll('_', '')));
    throw new PlanError('ValueError', `invalid literal for int() with base 10: '${x}'`);
  }
  const number = Number(x);
  if (Number.isFinite(number)) return exact(Math.trunc(number)) + 0;
  throw new PlanError(Number.isNaN(number) ? 'ValueError' : 'OverflowError',
    `cannot convert float ${Number.isNaN(number) ? 'NaN' : 'infinity'} to integer`);
}

/** float(x). */
export function float([x], { of }) {
  if (of !== 'str') return Number(x);
  const text = westernDigits(strip(x)).toLowerCase();
  const named = /^([+-]?)(inf|infinity|nan)$/.exec(text);
  if (named) return (named[1] === '-' ? -1 : 1) * (named[2] === 'nan' ? NaN : Infinity);
  if (/^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?$/.test(text)) {
    return Number(text.replaceAll('_', ''));
  }
  throw new PlanError('ValueError', `could not convert string to float: '${x}'`);
}

// ---- texts ----------------------------------------------------------------------------------------

const space = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const start = new RegExp(`^${space}+`, 'u');
const end = new RegExp(`${space}+$`, 'u');
const between = new RegExp(`${space}+`, 'u');

function strip(text, characters, left = true, right = true) {
  if (characters === undefined) {
    return (right ? (left ? text.replace(start, '') : text).replace(end, '') : text.replace(start, ''));
  }
  const set = new Set(characters);
  const letters = [...text];
  let [from, to] = [0, letters.length];
  while (left && from < to && set.has(letters[from])) from++;
  while (right && from < to && set.has(letters[to - 1])) to--;
  return letters.slice(from, to).join('');
}

const codePoints = (text, units) => [...text.slice(0, units)].length;
const noEmpty = (separator) => {
  if (separator === '') throw new PlanError('ValueError', 'empty separator');
};

// Each letter, and its small form where it stands: a sigma at the end of a word has its own.
function letters(text) {
  const lower = text.toLowerCase();
  let at = 0;
  return [...text].map((own) => {
    const { length } = own.toLowerCase();
    at += length;
    return [own, lower.slice(at - length, at)];
  });
}

// A letter at the beginning of a title.
function titled(letter) {
  const upper = letter.toUpperCase();
  if (/\p{Lt}/u.test(letter) || /[\u10d0-\u10ff]/.test(letter)) return letter;
  const pair = /[\u01c4-\u01cc\u01f1-\u01f3]/.exec(letter);
  if (pair) return { '\u01c4': '\u01c5', '\u01c7': '\u01c8', '\u01ca': '\u01cb', '\u01f1': '\u01f2' }[upper];
  if (letter === '\u00df' || /[\ufb00-\ufb06]/.test(letter)) {
    return upper[0] + upper.slice(1).toLowerCase();
  }
  if ([...upper].length === 1) return upper;
  throw new LimitError(`a title that begins with ${letter}`);
}

/** Methods of texts. */
export const methods = {
  lower: (text) => text.toLowerCase(),
  upper: (text) => text.toUpperCase(),
  strip: (text, characters) => strip(text, characters),
  lstrip: (text, characters) => strip(text, characters, true, false),
  rstrip: (text, characters) => strip(text, characters, false, true),
  split: (text, separator) => {
    noEmpty(separator);
    return separator === undefined ? text.split(between).filter(Boolean) : text.split(separator);
  },
  replace: (text, from, to) => (from === '' ? to + [...text].map((one) => one + to).join('')
    : text.split(from).join(to)),
  startswith: (text, other) => text.startsWith(other),
  endswith: (text, other) => text.endsWith(other),
  title: (text) => {
    let inside = false;
    return letters(text).map(([own, lower]) => {
      const found = inside ? lower : titled(own);
      inside = /\p{Cased}/u.test(own);
      return found;
    }).join('');
  },
  capitalize: (text) => letters(text).map(([own, lower], i) => (i ? lower : titled(own))).join(''),
  find: (text, other) => {
    const at = text.indexOf(other);
    return at < 0 ? -1 : codePoints(text, at);
  },
  count: (text, other) => (other === '' ? [...text].length + 1 : text.split(other).length - 1),
  splitlines: (text) => {
    const lines = text.split(/\r\n|[\n-\r\x1c-\x1e\x85\u2028\u2029]/u);
    if (lines.at(-1) === '') lines.pop();
    return lines;
  },
};

// A line with spaces up to the next eighth column for each tab.
function untabbed(line) {
  let column = 0;
  return [...line].map((letter) => {
    const room = letter === '\t' ? 8 - (column % 8) : 1;
    column = letter === '\r' ? 0 : column + room;
    return letter === '\t' ? ' '.repeat(room) : letter;
  }).join('');
}

/** inspect.cleandoc(text). */
export function cleanDoc([text]) {
  const lines = text.split('\n').map(untabbed);
  const bare = (line) => strip(line, undefined, true, false);
  const margins = lines.slice(1).filter(bare).map((line) => line.length - bare(line).length);
  const margin = margins.length ? Math.min(...margins) : 0;
  const found = [bare(lines[0]), ...lines.slice(1).map((line) => line.slice(margin))];
  while (found.length && !found.at(-1)) found.pop();
  while (found.length && !found[0]) found.shift();
  return found.join('\n');
}
