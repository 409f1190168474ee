// Parts of a page.
import { show } from './numbers.js';

let last = 0;
/** A name for an element that another one refers to. */
export const newId = (stem) => `${stem}-${++last}`;

/** make('p', { class: 'a', onclick: f }, 'text', child): attributes that are false are left out. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === undefined) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child || child === ''));
  return element;
}

/** A control with its label before it: { element, control }. */
export function field(label, control, hint) {
  control.id ||= newId('field');
  const help = hint && make('span', { class: 'hint', id: newId('hint') }, hint);
  if (help) control.setAttribute('aria-describedby', help.id);
  return make('div', { class: 'field' }, make('label', { for: control.id }, label), control, help);
}

/** A list to choose from: options { value: label }. */
export function choice(options, value, onchange) {
  const control = make('select', { onchange: () => onchange?.(control.value) });
  for (const [key, label] of Object.entries(options)) {
    control.append(make('option', { value: key, selected: key === value }, label));
  }
  return control;
}

export function numberInput(value, attributes = {}, oninput = undefined) {
  return make('input', { type: 'number', value: value ?? '', inputmode: 'decimal', step: 'any',
    autocomplete: 'off', ...attributes, oninput });
}

/** A button that opens files, with the input behind it. */
export function fileButton(label, accept, onfile, describedBy) {
  const id = newId('file');
  const control = make('input', { type: 'file', class: 'file', accept, id,
    'aria-describedby': describedBy, onchange: () => {
      const [file] = control.files;
      control.value = '';
      if (file) onfile(file);
    } });
  return make('span', { class: 'choose' }, control,
    make('label', { class: 'button', for: id }, label));
}

/** A link that saves bytes under a name; made when it is followed. */
export function saveButton(label, name, content) {
  return make('button', { type: 'button', class: 'quiet', onclick: () => {
    const url = URL.createObjectURL(new Blob([content()]));
    const link = make('a', { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  } }, label);
}

const svgNames = 'http://www.w3.org/2000/svg';
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(svgNames, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A canvas with a picture ({ data, width, height }). */
export function canvasOf({ data, width, height }, label) {
  const canvas = make('canvas', { width, height, role: 'img', 'aria-label': label });
  canvas.getContext('2d').putImageData(new ImageData(data, width, height), 0, 0);
  return canvas;
}

export const ms = (value) => (value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`);
export const mb = (bytes) => (bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB`
  : `${(bytes / 1e6).toFixed(1)} MB`);

/** A share of 1 as a percentage; other numbers as they are. */
export const percent = (value) => (value >= 0 && value <= 1
  ? `${(100 * value).toFixed(value < 0.1 ? 2 : 1)} %` : show(value));
