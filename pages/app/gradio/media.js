// Pictures, sounds and files.
import { button, carried, fileButton, length, make, save, size, takeFiles } from './dom.js';
import { empty, group, panel } from './field.js';
import { accepts } from './choices.js';
import { record } from './recorder.js';
import { wavOf } from './wav.js';

const decode = ({ bytes, type }) => createImageBitmap(new Blob([bytes], { type }));

/** The pixels of a picture's file: { width, height, data }, RGBA. */
export async function pixelsOf(file) {
  let bitmap;
  try {
    bitmap = await decode(file);
  } catch {
    throw new Error(`${file.name} is not a picture that this browser can read.`);
  }
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { colorSpace: 'srgb' });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, data: new Uint8Array(context.getImageData(0, 0, width, height).data
    .buffer) };
}

/** A picture of a file, as an element that is filled when it is decoded. */
export function pictureOf(file, label) {
  const canvas = make('canvas', { role: 'img', 'aria-label': label, class: 'gr-picture' });
  decode(file).then((bitmap) => {
    Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
    canvas.getContext('2d').drawImage(bitmap, 0, 0);
    bitmap.close();
    canvas.dataset.ready = '';
  }, () => {
    const url = URL.createObjectURL(new Blob([file.bytes], { type: file.type }));
    const image = make('img', { alt: label, class: 'gr-picture', src: url, 'data-ready': '',
      onload: () => URL.revokeObjectURL(url),
      onerror: () => image.replaceWith(empty(`${file.name} cannot be shown.`)) });
    canvas.replaceWith(image);
  });
  return canvas;
}

export function image(node) {
  const { props } = node;
  const body = make('div', { class: 'gr-media' });
  const sources = props.sources ? [props.sources].flat() : ['upload', 'clipboard'];
  const invitation = sources.includes('upload') ? `Drop${sources.includes('clipboard')
    ? ' or paste' : ''} a picture here` : 'Paste a picture here';
  const take = async ([file]) => {
    const taken = await carried(file);
    try {
      await pixelsOf(taken);
    } catch (error) {
      node.say({ level: 'error', title: 'Error', message: error.message });
      return;
    }
    show(taken);
    node.take(taken);
    node.emit('upload');
  };
  const clear = () => {
    show(null);
    node.take(null);
    node.emit('clear');
  };
  const select = (event) => {
    const { target, offsetX, offsetY } = event;
    if (!target.matches?.('.gr-picture') || !node.listens('select')) return;
    const scale = (target.width || target.naturalWidth) / target.clientWidth;
    node.emit('select', { index: [Math.floor(offsetX * scale), Math.floor(offsetY * scale)],
      value: null });
  };
  body.addEventListener('click', select);
  if (props.interactive) {
    body.tabIndex = 0;
    body.setAttribute('role', 'group');
    body.setAttribute('aria-label', `${props.label}: ${invitation}`);
    takeFiles(body, take, sources);
  }
  function show(file) {
    body.replaceChildren();
    if (!file && !props.interactive) body.append(empty('Nothing yet'));
    if (!file && props.interactive) {
      body.append(make('p', { class: 'gr-info' }, props.placeholder
        || invitation), sources.includes('upload') ? fileButton('Choose a picture',
        { accept: 'image/*', className: 'quiet' }, take) : '');
    }
    if (!file) return;
    const shown = pictureOf(file, props.label || 'picture');
    for (const key of ['height', 'width']) {
      if (props[key]) shown.style[`max${key[0].toUpperCase()}${key.slice(1)}`] = length(props[key]);
    }
    body.append(shown, make('div', { class: 'gr-tools' },
      props.interactive && sources.includes('upload') && fileButton('Another',
        { accept: 'image/*', className: 'quiet gr-small' }, take),
      props.interactive && button('Clear', clear, { class: 'quiet gr-small' }),
      !props.interactive && props.show_download_button && button('Save', () => save(file),
        { class: 'quiet gr-small' })));
  }
  return { element: panel(node, body), show,
    payload: async () => (props.value && props.pixels
      ? { ...props.value, pixels: await pixelsOf(props.value) } : props.value) };
}

export function plot(node) {
  const body = make('div', { class: 'gr-media' });
  return { element: panel(node, body), show: (file) => body.replaceChildren(file
    ? pictureOf(file, node.props.label || 'plot') : empty('Nothing yet')) };
}

export function gallery(node) {
  const { props } = node;
  const body = make('div', { class: 'gr-gallery' });
  const columns = typeof props.columns === 'number' ? props.columns : 2;
  body.style.setProperty('--columns', columns);
  if (props.height) {
    body.style.maxHeight = length(props.height);
    body.style.overflow = 'auto';
  }
  return { element: panel(node, body), show: (value) => {
    body.replaceChildren(...(value ?? []).map(({ image: file, caption }, index) => {
      const name = caption || `picture ${index + 1}`;
      const shown = pictureOf(file, name);
      return make('figure', {}, node.listens('select') ? make('button', { type: 'button',
        class: 'gr-plain', 'aria-label': name, onclick: () => node.emit('select',
          { index, value: { caption } }) }, shown) : shown, caption && make('figcaption', {},
        caption));
    }));
    if (!value?.length) body.append(empty('Nothing yet'));
  } };
}

export function audio(node) {
  const { props } = node;
  const body = make('div', { class: 'gr-media' });
  let address = '';
  const set = (taken) => {
    show(taken);
    node.take(taken);
  };
  const takeFile = async ([file]) => {
    set(await carried(file));
    node.emit('upload');
  };
  const sources = props.sources ? [props.sources].flat() : ['upload', 'microphone'];
  const recorder = () => record({
    start: () => node.emit('start_recording'),
    stop: (taken) => {
      set(taken);
      node.emit('stop_recording');
    },
    failed: (message) => node.say({ level: 'error', title: 'Error', message }) });
  if (props.interactive && sources.includes('upload')) takeFiles(body, takeFile, ['upload']);
  function show(file) {
    body.replaceChildren();
    URL.revokeObjectURL(address);
    if (!file && !props.interactive) body.append(empty('Nothing yet'));
    if (!file && props.interactive) {
      body.append(make('div', { class: 'gr-tools' },
        sources.includes('upload') && fileButton('Choose a sound', { accept: 'audio/*',
          className: 'quiet' }, takeFile),
        sources.includes('microphone') && recorder()));
    }
    if (!file) return;
    address = URL.createObjectURL(new Blob([file.bytes], { type: file.type }));
    const player = make('audio', { controls: true, src: address, loop: props.loop,
      autoplay: props.autoplay && !props.interactive, 'aria-label': props.label,
      onplay: () => node.emit('play'), onended: () => node.emit('stop'),
      onpause: () => player.ended || node.emit('pause') });
    body.append(player, make('div', { class: 'gr-tools' },
      props.interactive && button('Clear', () => {
        set(null);
        node.emit('clear');
      }, { class: 'quiet gr-small' }),
      !props.interactive && props.show_download_button && button('Save', () => save(file),
        { class: 'quiet gr-small' })));
  }
  return { element: panel(node, body), show,
    payload: async () => (props.value && props.samples ? wavOf(props.value) : props.value) };
}

export function file(node) {
  const { props } = node;
  const body = make('div', { class: 'gr-media gr-files' });
  const single = props.file_count === 'single';
  const take = async (files) => {
    const taken = await Promise.all((single ? files.slice(0, 1) : files).map(carried));
    show(single ? taken[0] : taken);
    node.take(single ? taken[0] : taken);
    node.emit('upload');
  };
  const set = (left) => {
    const value = left.length ? left : null;
    show(value);
    node.take(value);
    node.emit(value ? 'delete' : 'clear');
  };
  if (props.interactive) takeFiles(body, take, ['upload', 'clipboard']);
  function show(value) {
    const files = value ? [value].flat() : [];
    const row = (one, index) => make('li', {}, node.listens('select')
      ? button(one.name, () => node.emit('select', { index, value: one.name }),
        { class: 'gr-plain' }) : make('span', {}, one.name),
    make('span', { class: 'gr-value' }, size(one.bytes.length)), props.interactive
      ? button('Remove', () => set(files.filter((_, i) => i !== index)),
        { class: 'quiet gr-small', 'aria-label': `Remove ${one.name}` })
      : button('Save', () => {
        save(one);
        node.emit('download', { file: one.name });
      }, { class: 'quiet gr-small', 'aria-label': `Save ${one.name}` }));
    body.replaceChildren(...[files.length > 0 && make('ul', {}, ...files.map(row)),
      !files.length && !props.interactive && empty('Nothing yet'),
      props.interactive && (!single || !files.length) && make('p', { class: 'gr-info' },
        'Drop files here, or'),
      props.interactive && fileButton(files.length ? 'Choose others' : single ? 'Choose a file'
        : 'Choose files', { multiple: !single, directory: props.file_count === 'directory',
        accept: accepts(props.file_types), className: 'quiet' }, take)].filter(Boolean));
  }
  return { element: group(node, body), show };
}
