// What is on the page: the picture with its boxes, the text beside it, what it took.
import { make, makeSVG, percent } from './dom.js';

/** A picture on a canvas, and over it a box for each line of text. */
export class PictureView {
  constructor() {
    this.canvas = make('canvas', { width: 960, height: 240, role: 'img',
      'aria-label': 'The picture that is read' });
    this.boxes = makeSVG('svg', { 'aria-hidden': 'true', preserveAspectRatio: 'none' });
    this.element = make('div', { class: 'picture' }, this.canvas, this.boxes);
    this.#context = this.canvas.getContext('2d', { willReadFrequently: true });
  }

  #context;

  /** Shows a bitmap, scaled down where a side is longer than `most`; returns its pixels. */
  show(bitmap, most) {
    const scale = Math.min(1, most / Math.max(bitmap.width, bitmap.height));
    this.canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    this.canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    const { width, height } = this.canvas;
    this.#context.drawImage(bitmap, 0, 0, width, height);
    this.boxes.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.boxes.replaceChildren();
    this.element.classList.add('filled');
    return this.#context.getImageData(0, 0, width, height);
  }

  add({ corners }, onPoint) {
    const points = corners.map((corner) => corner.join(',')).join(' ');
    const box = makeSVG('polygon', { points, 'vector-effect': 'non-scaling-stroke',
      onpointerenter: () => onPoint(true), onpointerleave: () => onPoint(false) });
    this.boxes.append(box);
    return box;
  }
}

/** The lines of text, in order. */
export class TextView {
  constructor() {
    this.list = make('ol', { class: 'lines', 'aria-label': 'Lines of text' });
    this.copy = make('button', { type: 'button', class: 'quiet', onclick: () => this.#copy() },
      'Copy all');
    this.copy.hidden = true;
    this.element = make('div', { class: 'text' }, this.list, this.copy);
  }

  clear() {
    this.list.replaceChildren();
    this.copy.hidden = true;
  }

  add({ text, confidence }, onPoint) {
    const item = make('li', { tabindex: '0', onpointerenter: () => onPoint(true),
      onpointerleave: () => onPoint(false), onfocus: () => onPoint(true),
      onblur: () => onPoint(false) },
    make('span', { class: 'words' }, text),
    make('span', { class: 'confidence', title: 'How sure the model is' }, percent(confidence)));
    this.list.append(item);
    this.copy.hidden = false;
    return item;
  }

  get text() {
    return [...this.list.querySelectorAll('.words')].map((words) => words.textContent).join('\n');
  }

  async #copy() {
    const words = this.copy.textContent;
    this.copy.textContent = await navigator.clipboard.writeText(this.text)
      .then(() => 'Copied', () => 'The browser does not allow it');
    setTimeout(() => { this.copy.textContent = words; }, 2000);
  }
}

/** A line in both views: pointing at one shows the other. */
export function addLine(line, picture, text) {
  const point = (on) => {
    for (const element of [box, item]) element.classList.toggle('pointed', on);
  };
  const box = picture.add(line, point);
  const item = text.add(line, point);
}

/** Figures by name, and notes. */
export class EvidenceView {
  constructor() {
    this.figures = make('dl', { class: 'figures' });
    this.notes = make('ul', { class: 'notes' });
    this.element = make('section', { class: 'evidence', 'aria-label': 'What it took' }, this.figures,
      this.notes);
  }

  show(name, value) {
    const id = `figure-${name.replace(/\W+/g, '-').toLowerCase()}`;
    const found = document.getElementById(id);
    if (found) found.textContent = value;
    else this.figures.append(make('div', {}, make('dt', {}, name), make('dd', { id }, value)));
  }

  note(text) { this.notes.append(make('li', {}, text)); }
}
