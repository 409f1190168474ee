// The pixels of whatever shows a picture.
import { AshoreError } from './ashore.js';

const kindOf = (source) => Object.prototype.toString.call(source).slice(8, -1);
const drawables = {
  HTMLImageElement: ['naturalWidth', 'naturalHeight'],
  HTMLVideoElement: ['videoWidth', 'videoHeight'],
  HTMLCanvasElement: ['width', 'height'],
  OffscreenCanvas: ['width', 'height'],
  ImageBitmap: ['width', 'height'],
  VideoFrame: ['displayWidth', 'displayHeight'],
};
const kinds = 'ImageData, an image, canvas, video, VideoFrame, ImageBitmap or Blob, or '
  + '{ data, width, height } with 1, 3 or 4 bytes a pixel';
const mostKept = 2 ** 22; // pixels of a canvas that is kept for the next picture
const plain = 'Give { data, width, height }';

const wrong = (message, advice) => new AshoreError('ERR_ARGUMENT', message, { advice });

const isPixels = (source) => typeof source?.width === 'number' && source.data !== undefined;

/** Channels of { data, width, height }. */
export function channelsOf({ data, width, height } = {}) {
  const channels = data?.length / (width * height);
  if ([1, 3, 4].includes(channels) && data.BYTES_PER_ELEMENT === 1) return channels;
  throw wrong(`a picture of ${width} x ${height} with ${data?.length} elements of ${
    data?.constructor?.name}`, 'Give 1, 3 or 4 bytes a pixel');
}

const emptyOnes = {
  HTMLVideoElement: 'It has no frame yet: wait for its event loadeddata',
  HTMLImageElement: 'It is not loaded, or has no size of its own: await its decode()',
};

function scratchCanvas(width, height) {
  if (typeof OffscreenCanvas === 'function') return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement('canvas'), { width, height });
}

/** Reads pixels through a canvas of its own, which is kept for the next picture. */
export class PixelReader {
  #context;

  /** { data, width, height } of what needs no waiting for. */
  read(source) {
    if (isPixels(source)) {
      channelsOf(source);
      return source;
    }
    const kind = kindOf(source);
    const sides = drawables[kind];
    if (!sides) {
      if (kind === 'Blob' || kind === 'File') {
        throw wrong('a Blob has to be decoded, which takes a promise', 'Use image()');
      }
      throw wrong(`${source === null ? 'null' : kind} is no picture`, `Give ${kinds}`);
    }
    const [width, height] = sides.map((side) => source[side]);
    if (!(width > 0 && height > 0)) {
      throw wrong(`a ${kind} of ${width} x ${height}`, emptyOnes[kind]);
    }
    return this.#draw(source, kind, width, height);
  }

  #draw(source, kind, width, height) {
    if (typeof OffscreenCanvas !== 'function' && typeof document !== 'object') {
      throw new AshoreError('ERR_UNSUPPORTED', `there is no canvas to read a ${kind} with here`,
        { advice: plain });
    }
    this.#context ??= scratchCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (!this.#context) {
      throw new AshoreError('ERR_NOMEM', `there is no canvas of ${width} x ${height} to be had`,
        { advice: 'Make the picture smaller first' });
    }
    const { canvas } = this.#context;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    else this.#context.clearRect(0, 0, width, height);
    try {
      this.#context.drawImage(source, 0, 0, width, height);
      const pixels = this.#context.getImageData(0, 0, width, height);
      if (width * height > mostKept) this.close();
      return pixels;
    } catch (error) {
      if (error.name !== 'SecurityError') {
        throw new AshoreError('ERR_ARGUMENT', `the ${kind} cannot be drawn: ${error.message}`,
          { cause: error, advice: plain });
      }
      this.close(); // the canvas stays tainted
      throw new AshoreError('ERR_IO', `the ${kind} is of another origin, which has not allowed this `
        + 'page to read it', { cause: error, advice: 'Its server must send '
        + 'Access-Control-Allow-Origin, and the element needs crossorigin="anonymous"' });
    }
  }

  /** The same of anything, decoded first where that is necessary. */
  async readAny(source) {
    const kind = kindOf(source);
    if (kind === 'HTMLImageElement' && !(source.complete && source.naturalWidth)) {
      await source.decode().catch((error) => {
        throw new AshoreError('ERR_IO', `the image ${source.currentSrc || source.src
        } cannot be decoded: ${error.message}`, { cause: error, advice: plain });
      });
    }
    if (kind !== 'Blob' && kind !== 'File') return this.read(source);
    if (typeof createImageBitmap !== 'function') {
      throw new AshoreError('ERR_UNSUPPORTED', 'there is nothing here that decodes pictures',
        { advice: plain });
    }
    let bitmap;
    try {
      bitmap = await createImageBitmap(source, { imageOrientation: 'from-image' });
    } catch (error) {
      throw new AshoreError('ERR_FORMAT', `the file ${source.name ?? ''} (${
        source.type || 'of no type'}, ${source.size} bytes) is no picture that can be decoded here: ${
        error.message}`, { cause: error, advice: plain });
    }
    try {
      return this.read(bitmap);
    } finally {
      bitmap.close();
    }
  }

  close() { this.#context = undefined; }
}

/** ImageData where the host has it, and else an object that is like it. */
export function imageData(bytes, width, height) {
  const data = new Uint8ClampedArray(bytes.buffer, bytes.byteOffset, bytes.length);
  return typeof ImageData === 'function' ? new ImageData(data, width, height)
    : { data, width, height };
}
