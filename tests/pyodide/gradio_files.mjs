// Small files that the tests give to programs, made here.
import zlib from 'node:zlib';

function chunk(kind, content) {
  const bytes = Buffer.concat([Buffer.from(kind), content]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(content.length, 0);
  ends.writeUInt32BE(zlib.crc32(bytes), 4);
  return Buffer.concat([ends.subarray(0, 4), bytes, ends.subarray(4)]);
}

/** A PNG of RGB pixels, rows of [r, g, b]. */
export function png(rows) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(rows[0].length, 0);
  header.writeUInt32BE(rows.length, 4);
  header.set([8, rows[0][0].length === 4 ? 6 : 2, 0, 0, 0], 8); // with transparency, or without
  const lines = Buffer.concat(rows.map((row) => Buffer.from([0, ...row.flat()])));
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', header),
    chunk('IDAT', zlib.deflateSync(lines)), chunk('IEND', Buffer.alloc(0))]);
}

/** Red, green, blue; black, grey, white: as a file that is chosen. */
export const picture = (name = 'picture.png') => ({ name, mimeType: 'image/png',
  buffer: png([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[0, 0, 0], [128, 128, 128],
    [255, 255, 255]]]) });

/** A sound of 16-bit samples, for a list of channels. */
export function wav(channels, rate = 8000) {
  const header = Buffer.alloc(44);
  const count = channels[0].length * channels.length;
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + 2 * count, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(channels.length, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(2 * rate * channels.length, 28);
  header.writeUInt16LE(2 * channels.length, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(2 * count, 40);
  const samples = Buffer.alloc(2 * count);
  channels[0].forEach((_, i) => channels.forEach((channel, c) =>
    samples.writeInt16LE(channel[i], 2 * (i * channels.length + c))));
  return Buffer.concat([header, samples]);
}
