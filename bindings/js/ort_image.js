// Pictures to numbers and back, with the arithmetic of onnxruntime-common: what it takes as four
// channels of bytes becomes (byte + bias) / mean, and numbers become (number - bias) * mean.
import { say } from './ort_env.js';

// Which channel of a pixel each plane of a tensor holds.
const planes = { RGB: [0, 1, 2], RGBA: [0, 1, 2, 3], RBG: [0, 2, 1], BGR: [2, 1, 0] };

const four = (given, others) => [0, 1, 2, 3].map((i) =>
  (typeof given === 'number' ? given : given?.[i] ?? others));

const isA = (name, value) => typeof globalThis[name] === 'function'
  && value instanceof globalThis[name];

function contextOf(width, height) {
  const canvas = typeof document === 'object' ? document.createElement('canvas')
    : typeof OffscreenCanvas === 'function' ? new OffscreenCanvas(1, 1) : null;
  if (!canvas) throw new Error('Canvas is not supported');
  canvas.width = width;
  canvas.height = height;
  return canvas.getContext('2d');
}

function pixelsOf(picture, width, height, canvasWidth = width, canvasHeight = height) {
  const context = contextOf(canvasWidth, canvasHeight);
  if (isA('ImageData', picture)) context.putImageData(picture, 0, 0);
  else context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, width, height).data;
}

async function fetchPicture(url) {
  if (typeof Image !== 'function') return createImageBitmap(await (await fetch(url)).blob());
  const picture = new Image();
  picture.crossOrigin = 'Anonymous';
  picture.src = url;
  await new Promise((resolve, reject) => {
    picture.onload = resolve;
    picture.onerror = () => reject(new Error(`${url}: no picture could be loaded from there`));
  });
  return picture;
}

// What is called resizing cuts off, or fills with transparent black.
async function readPicture(image, options) {
  const { resizedWidth, resizedHeight } = options ?? {};
  const resized = resizedWidth !== undefined && resizedHeight !== undefined;
  const width = resized ? resizedWidth : image?.width;
  const height = resized ? resizedHeight : image?.height;
  if (isA('ImageData', image)) {
    return { width, height, data: options ? pixelsOf(image, width, height) : image.data };
  }
  if (isA('HTMLImageElement', image)) {
    return { width, height, data: pixelsOf(image, width, height, image.width, image.height),
      format: 'RGBA' };
  }
  const picture = typeof image === 'string' ? await fetchPicture(image) : image;
  if (picture === image && !isA('ImageBitmap', image)) {
    throw new Error('Input data provided is not supported - aborted tensor creation');
  }
  return { width: picture.width, height: picture.height,
    data: pixelsOf(picture, picture.width, picture.height) };
}

/** The data and dims of a float32 tensor. */
export async function fromImage(image, options) {
  const { tensorFormat, tensorLayout, dataType, norm } = options ?? {};
  if (dataType === 'uint8') say("fromImage: dataType 'uint8' gives float32, as in onnxruntime-web");
  const { width, height, data: bytes, format = 'RGB' } = await readPicture(image, options);
  const plane = planes[tensorFormat ?? format] ?? planes.RGB;
  const mean = four(norm?.mean, 255);
  const bias = four(norm?.bias, 0);
  const size = width * height;
  const channels = plane.length;
  const last = tensorLayout === 'NHWC';
  const data = new Float32Array(size * channels);
  plane.forEach((channel, c) => {
    let to = last ? c : c * size;
    const step = last ? channels : 1;
    for (let from = channel; from < 4 * size; from += 4, to += step) {
      data[to] = (bytes[from] + bias[channel]) / mean[channel];
    }
  });
  return { data, dims: last ? [1, height, width, channels] : [1, channels, height, width] };
}

// BGR is read as RGB, as it is there.
function draw({ data, dims }, { format = 'RGB', tensorLayout, norm } = {}) {
  if (dims.length !== 4) throw new Error(`a picture has four dims, not [${dims}]`);
  if (typeof ImageData !== 'function') throw new Error('ImageData is not supported');
  const last = tensorLayout === 'NHWC';
  const [, height, width] = last ? dims : [1, dims[2], dims[3]];
  const plane = format === 'BGR' ? planes.RGB : planes[format] ?? planes.RGB;
  const mean = four(norm?.mean, 255);
  const bias = four(norm?.bias, 0);
  const image = new ImageData(width, height);
  const size = width * height;
  image.data.fill(255);
  plane.forEach((channel, c) => {
    let from = last ? c : c * size;
    const step = last ? dims[3] : 1;
    for (let to = channel; to < 4 * size; to += 4, from += step) {
      image.data[to] = (data[from] - bias[channel]) * mean[channel];
    }
  });
  return image;
}

export function toImageData(tensor, options) {
  const channels = tensor.dims[options?.tensorLayout === 'NHWC' ? 3 : 1];
  const fitting = { 3: ['RGB', 'BGR'], 4: ['RGBA'] }[channels];
  const format = options?.format;
  if (format !== undefined && fitting && !fitting.includes(format)) {
    throw new Error(`Tensor format doesn't match input tensor dims: ${format}, [${tensor.dims}]`);
  }
  return draw(tensor, options);
}

export function toDataURL(tensor, options) {
  const image = draw(tensor, options);
  const { canvas } = contextOf(image.width, image.height);
  if (!canvas.toDataURL) throw new Error('toDataURL is not supported');
  canvas.getContext('2d').putImageData(image, 0, 0);
  return canvas.toDataURL();
}
