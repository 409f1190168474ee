// An input given as a picture: a file, what is dropped or pasted, or what a camera sees.
import { choice, field, fileButton, make, newId, numberInput } from './dom.js';
import { fits, imageElements, imageOptions, scales, sizeFor } from './image.js';
import { canFilm, openCamera } from './media.js';
import { keyOf, known } from './shapes.js';
import { openTools } from './site.js';

const mostPixels = 4096; // along a side of a picture
const cameraSides = [640, 1280]; // asked of a camera, for small and for large inputs
const scaleNames = Object.fromEntries(Object.entries(scales).map(([key, { label }]) =>
  [key, label]));

export const pictures = /^image\//;

/** A picture file's pixels, at most mostPixels wide and high. */
async function decodePicture(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error('this file is not a picture that the browser can read');
  }
  const scale = Math.min(1, mostPixels / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const canvas = make('canvas', { width, height });
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

// The controls of a camera around a way: { element, isLive(), next(), halt() }.  seen(pixels): it has
// a new picture; live(): it was started.
function cameraControls({ seen, live, fail }, longest) {
  let camera = null;
  const which = make('span', { class: 'which', hidden: true });
  const start = async (deviceId) => {
    button.disabled = true;
    fail('');
    try {
      const opened = await openCamera(deviceId, longest);
      camera?.stop();
      camera = opened;
      camera.ended.then(() => opened === camera && halt());
      which.hidden = camera.cameras.length < 2;
      which.replaceChildren(field('Camera', choice(Object.fromEntries(camera.cameras
        .map(({ id, label }) => [id, label])), camera.deviceId, start)));
      button.textContent = 'Stop the camera';
      live();
    } catch (error) {
      fail(`${error.message[0].toUpperCase()}${error.message.slice(1)}.`);
    } finally {
      button.disabled = false;
    }
  };
  function halt() {
    camera?.stop();
    camera = null;
    which.hidden = true;
    button.textContent = 'Use the camera';
  }
  const button = make('button', { type: 'button', class: 'quiet',
    onclick: () => (camera ? halt() : start()) }, 'Use the camera');
  return { button, which, halt, isLive: () => Boolean(camera),
    async next() {
      const pixels = await camera?.frame();
      if (!camera || !pixels) return false;
      seen(pixels);
      return true;
    } };
}

function settingFields(options, picture, set) {
  const size = (name) => field(name === 'width' ? 'Width' : 'Height', numberInput('', { min: 1,
    step: 1, placeholder: 'from the picture' }, (event) => {
    options[name] = Number(event.target.value) || 0;
  }));
  const fields = [];
  if (options.channels === 3 || options.channels === 4) {
    fields.push(field('Channels', choice({ rgb: 'red, green, blue', bgr: 'blue, green, red' },
      options.order, set('order'))));
  }
  fields.push(field('Values', choice(scaleNames, options.scale, set('scale'))));
  fields.push(field('Size', choice(fits, options.fit, set('fit'))));
  for (const name of ['width', 'height']) if (!picture[name]) fields.push(size(name));
  return fields;
}

/** See ways.js.  Beside what every way has: shown(), the picture and the part of it that the model
 *  saw. */
export function pictureWay({ info, picture }, { changed, live, fail }, sample) {
  const options = { ...picture, layout: picture.axes.layout };
  const preview = make('canvas', { role: 'img', 'aria-label': `Picture for ${info.name}`, width: 1,
    height: 1 });
  const note = make('p', { class: 'hint', id: newId('note') },
    'Drop or paste a picture here, or choose one.');
  let pixels = null;
  let latest = null; // what the last tensor was made of
  const say = (text) => {
    if (note.textContent !== text) note.textContent = text;
  };
  const show = (given) => {
    pixels = given;
    preview.width = pixels.width;
    preview.height = pixels.height;
    preview.getContext('2d').putImageData(pixels, 0, 0);
    preview.classList.add('filled');
  };
  const take = async (file) => {
    camera?.halt();
    show(await decodePicture(file));
    say(`${pixels.width} × ${pixels.height} pixels`);
  };
  const set = (name) => (value) => {
    options[name] = value;
    if (pixels && !camera?.isLive()) changed();
  };
  const large = Math.max(picture.width, picture.height) > cameraSides[0];
  const camera = canFilm() ? cameraControls({ seen: show, live, fail }, cameraSides[large ? 1 : 0])
    : null;
  const tensor = async (extents) => {
    const dims = known(info, extents).map((d) => d ?? 1);
    const { axes } = picture;
    const open = (axis, own) => (keyOf(info, axis) ? extents[keyOf(info, axis)] ?? own
      : info.dims[axis]);
    const given = pixels;
    const size = sizeFor(given, open(axes.w, options.width), open(axes.h, options.height));
    dims[axes.h] = size.height;
    dims[axes.w] = size.width;
    if (axes.c >= 0) dims[axes.c] = options.channels;
    const asked = imageOptions(info.type, size.width, size.height, options);
    const made = (await openTools()).imageSync(given, asked);
    const { left, top, stepX, stepY } = made.placements[0];
    const data = imageElements(made, info.type, dims, options);
    say(`${given.width} × ${given.height} pixels, given as ${info.type}[${dims.join(', ')}]`);
    latest = { picture: given, width: size.width, height: size.height,
      part: { left, top, width: stepX * size.width, height: stepY * size.height },
      recipe: { kind: 'picture', asked, dims, ...options } };
    return { type: info.type, data, dims };
  };
  const element = make('div', {}, make('div', { class: 'drop' }, preview, note,
    make('div', { class: 'actions' }, fileButton('Choose a picture', 'image/*',
      (file) => changed(file), note.id), camera?.button, sample), camera?.which),
  make('details', {}, make('summary', {}, 'How the picture becomes numbers'),
    make('div', { class: 'fields' }, ...settingFields(options, picture, set))));
  return { element, given: () => Boolean(pixels), tensor, take,
    accepts: (file) => pictures.test(file.type),
    isLive: () => Boolean(camera?.isLive()), next: () => camera.next(),
    halt: () => camera?.halt(), shown: () => latest, recipe: () => latest.recipe };
}
