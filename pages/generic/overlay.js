// What is drawn over the picture that the model saw: maps, and boxes.  A backdrop is what a picture
// way shows: { picture, part, width, height }; see picture_way.js.
import { make } from './dom.js';
import { colour } from './image.js';

const longest = 1024; // side of a drawing

function canvasFor(width, height, label) {
  const scale = Math.min(1, longest / Math.max(width, height));
  const canvas = make('canvas', { role: 'img', 'aria-label': label, class: 'smooth',
    width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) });
  return { canvas, context: canvas.getContext('2d'), scale };
}

function sheet(image) {
  const { data, width, height } = image;
  const canvas = make('canvas', { width, height });
  canvas.getContext('2d').putImageData(image instanceof ImageData ? image
    : new ImageData(data, width, height), 0, 0);
  return canvas;
}

// The part of the picture that the model saw; its bars are left empty.
function backdropCanvas({ picture, part }, label) {
  const made = canvasFor(part.width, part.height, label);
  made.context.drawImage(sheet(picture), -part.left * made.scale,
    -part.top * made.scale, picture.width * made.scale, picture.height * made.scale);
  return made;
}

const strength = 0.6;

/** A map's colours over the picture; clear: black, a background, is left out. */
export function tinted(backdrop, image, label, clear = false) {
  const { canvas, context } = backdropCanvas(backdrop, label);
  const data = new Uint8ClampedArray(image.data);
  for (let at = 0; clear && at < data.length; at += 4) {
    if (!data[at] && !data[at + 1] && !data[at + 2]) data[at + 3] = 0;
  }
  context.globalAlpha = strength;
  context.imageSmoothingEnabled = !clear;
  context.drawImage(sheet({ ...image, data }), 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** The picture, as opaque as a grey map is light. */
export function cutOut(backdrop, image, label) {
  const { canvas, context } = backdropCanvas(backdrop, label);
  const data = new Uint8ClampedArray(image.data);
  for (let at = 0; at < data.length; at += 4) data[at + 3] = data[at];
  context.globalCompositeOperation = 'destination-in';
  context.drawImage(sheet({ ...image, data }), 0, 0, canvas.width, canvas.height);
  return canvas;
}

// Black or white, whichever is read more easily on a colour.
const inkOn = ([r, g, b]) => (0.299 * r + 0.587 * g + 0.114 * b > 140 ? '#000' : '#fff');

/** Boxes of detect.js, which are in pixels of the model's input, over the whole picture.
 *  names: what is written beside each. */
export function boxed({ picture, part, width, height }, found, names, label) {
  const { canvas, context, scale } = canvasFor(picture.width, picture.height, label);
  context.drawImage(sheet(picture), 0, 0, canvas.width, canvas.height);
  const x = (value) => (part.left + value * part.width / width) * scale;
  const y = (value) => (part.top + value * part.height / height) * scale;
  const size = Math.max(12, Math.round(Math.max(canvas.width, canvas.height) / 40));
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = 'top';
  context.lineWidth = Math.max(2, size / 6);
  found.toReversed().forEach(({ box, label: index, points }, i) => {
    const [left, top, right, bottom] = [x(box[0]), y(box[1]), x(box[2]), y(box[3])];
    const rgb = colour(index + 1);
    context.strokeStyle = context.fillStyle = `rgb(${rgb})`;
    context.strokeRect(left, top, right - left, bottom - top);
    for (const [px, py] of points) {
      context.beginPath();
      context.arc(x(px), y(py), context.lineWidth, 0, 7);
      context.fill();
    }
    const text = names[found.length - 1 - i];
    const wide = context.measureText(text).width + size / 2;
    const above = Math.max(0, top - size * 1.3);
    context.fillRect(left - context.lineWidth / 2, above, wide, size * 1.3);
    context.fillStyle = inkOn(rgb);
    context.fillText(text, left + size / 4 - context.lineWidth / 2, above + size * 0.15);
  });
  return canvas;
}

/** A box of the model's input in pixels of the picture: [left, top, width, height]. */
export function inPicture({ part, width, height }, [left, top, right, bottom]) {
  const [across, down] = [part.width / width, part.height / height];
  return [part.left + left * across, part.top + top * down, (right - left) * across,
    (bottom - top) * down].map(Math.round);
}
