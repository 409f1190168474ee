// How a tensor is shown: a view makes an element of a piece of it.
import { canvasOf, choice, field, fileButton, make, numberInput, percent, svg } from './dom.js';
import { cutOut, tinted } from './overlay.js';
import { colour, heat, largest, mask, paint, rangeOf } from './image.js';
import { numbersOf, show, showElement } from './numbers.js';
import { piece, scored, thinned, topK } from './results.js';
import { classesLast, layoutOf } from './decide.js';

const mostPoints = 1200; // of a line
const mostCells = [32, 12]; // rows and columns of a table
const mostTexts = 200;
const shownClasses = 8; // in the key of a mask

// ---- classes ------------------------------------------------------------------------------------

const bar = (part) => svg('svg', { class: 'bar', viewBox: '0 0 100 8', preserveAspectRatio: 'none',
  'aria-hidden': true }, svg('rect', { width: 100 * part, height: 8 }));

function classes({ values }, options) {
  const scores = scored(values, options.scores);
  const labels = options.labels?.length ? options.labels : options.labelsFor(values.length);
  const rows = topK(scores, Math.min(options.count, values.length));
  const most = Math.max(...rows.map(([, value]) => Math.abs(value)), 1e-30);
  const list = make('ol', { class: 'classes' });
  for (const [index, value] of rows) {
    list.append(make('li', {}, make('span', { class: 'label' }, labels[index] || `class ${index}`),
      bar(Math.max(0, value) / Math.max(most, 1)),
      make('span', { class: 'value' }, percent(value))));
  }
  return list;
}

const classOptions = (options, again) => [
  field('Scores', choice({ auto: 'softmax if needed', none: 'as they are', softmax: 'softmax',
    sigmoid: 'sigmoid' }, options.scores, (value) => again({ scores: value }))),
  field('How many', numberInput(options.count, { min: 1, max: 1000, step: 1 }, (event) =>
    again({ count: Math.max(1, Math.floor(Number(event.target.value)) || 5) }))),
  make('div', { class: 'field' }, make('span', { class: 'caption' }, 'Labels'),
    fileButton('Choose a labels file', '.txt,.json,.names,.csv', options.takeLabels)),
];

// ---- pictures -----------------------------------------------------------------------------------

function picture({ dims, values }, options, label) {
  const layout = dims.length === 3 ? layoutOf(dims) : 'HW';
  const [height, width] = layout === 'HWC' ? dims : dims.slice(-2);
  const range = options.range === 'auto' ? rangeOf(options.type, values) : options.range;
  const behind = values.length === width * height && options.over.picture !== 'no'
    && options.backdrop();
  if (behind) return cutOut(behind, paint(values, width, height, { layout, range }), label);
  return canvasOf(paint(values, width, height, { layout, range, order: options.order }), label);
}

// The choice of what a map is laid over, where there is a picture to lay it over.
const overField = (view, ways) => (options, again) => (options.backdrop()
  ? [field('Over the picture', choice(ways, options.over[view],
    (value) => again({ over: { ...options.over, [view]: value } })))] : []);
const overPicture = overField('picture', { no: 'no', cut: 'cut it out' });

const pictureOptions = (options, again) => [
  ...overPicture(options, again),
  field('Range', choice({ auto: 'by the values', unit: '0 to 1', symmetric: '−1 to 1',
    bytes: '0 to 255', stretch: 'least to most' }, options.range,
    (value) => again({ range: value }))),
  field('Channels', choice({ rgb: 'red, green, blue', bgr: 'blue, green, red' }, options.order,
    (value) => again({ order: value }))),
];

function segments({ dims, values }, options, label) {
  const last = dims.length === 3 && classesLast(dims);
  const [height, width] = last ? dims : dims.slice(-2);
  const count = values.length / (width * height);
  const { shares, ...image } = mask(count > 1 ? largest(values, count, last) : values, width,
    height);
  const behind = options.over.mask !== 'no' && options.backdrop();
  const labels = options.labels?.length ? options.labels : options.labelsFor(count);
  const key = make('ul', { class: 'key' });
  for (const [index, share] of shares.slice(0, shownClasses)) {
    const swatch = canvasOf({ data: new Uint8ClampedArray([...colour(index), 255]), width: 1,
      height: 1 });
    swatch.setAttribute('aria-hidden', 'true');
    key.append(make('li', {}, swatch, `${labels[index] || `class ${index}`}, ${percent(share)}`));
  }
  return make('div', {}, behind ? tinted(behind, image, label, true) : canvasOf(image, label), key);
}

function heatMap({ dims: [height, width], values }, options, label) {
  const image = heat(values, width, height);
  const behind = options.over.heat !== 'no' && options.backdrop();
  const [least, most] = extremes(values);
  return make('div', {}, behind ? tinted(behind, image, label) : canvasOf(image, label),
    make('p', { class: 'hint' }, `dark ${show(least)}, light ${show(most)}`));
}

function extremes(values) {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}

// ---- a series -----------------------------------------------------------------------------------

/** A line through numbers, with its range written beside it. */
export function series(values, label) {
  const [width, height] = [600, 160];
  const finite = Array.from(values, Number).filter(Number.isFinite);
  const [least, most] = finite.length ? extremes(finite) : [0, 0];
  const x = (i) => (values.length > 1 ? i * width / (values.length - 1) : width / 2);
  const y = (value) => height - (height - 8) * (value - least) / (most - least || 1) - 4;
  const path = thinned(values, mostPoints).filter(([, value]) => Number.isFinite(value))
    .map(([i, value], n) => `${n ? 'L' : 'M'}${x(i).toFixed(1)} ${y(value).toFixed(1)}`).join('');
  const drawing = svg('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none',
    role: 'img', 'aria-label': `${label}: ${values.length} numbers from ${show(least)} to ${
      show(most)}` });
  if (least < 0 && most > 0) {
    drawing.append(svg('path', { class: 'zero', d: `M0 ${y(0).toFixed(1)}H${width}` }));
  }
  drawing.append(svg('path', { class: 'line', d: path }));
  return make('div', { class: 'series' }, make('div', { class: 'range', 'aria-hidden': 'true' },
    make('span', {}, show(most)), make('span', {}, show(least))), drawing);
}

const plot = ({ values }, options, label) => series(values, label);

const history = ({ values }, options, label) => make('div', {},
  make('p', { class: 'number' }, show(values[0])), series(options.history, label));

// ---- tables and texts ---------------------------------------------------------------------------

function table({ dims, start }, { tensor }) {
  const [rows, columns] = dims.length > 2 ? [1, dims[0]] : dims;
  const [high, wide] = [Math.min(rows, mostCells[0]), Math.min(columns, mostCells[1])];
  if (rows * columns === 1) return make('p', { class: 'number' }, showElement(tensor, start));
  const body = make('tbody');
  for (let row = 0; row < high; row++) {
    const cells = make('tr', {}, make('th', { scope: 'row' }, String(row)));
    for (let column = 0; column < wide; column++) {
      cells.append(make('td', {}, showElement(tensor, start + row * columns + column)));
    }
    body.append(cells);
  }
  const head = make('tr', {}, make('td'));
  for (let column = 0; column < wide; column++) {
    head.append(make('th', { scope: 'col' }, String(column)));
  }
  const cut = [rows > high && `${high} of ${rows} rows`,
    columns > wide && `${wide} of ${columns} columns`]
    .filter(Boolean).join(' and ');
  const scroll = { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Table' };
  return make('div', {},
    make('div', scroll, make('table', {}, make('thead', {}, head), body)),
    cut && make('p', { class: 'hint' }, `The first ${cut}; the file has all.`));
}

function text({ values }) {
  if (values.length === 1) return make('p', { class: 'text' }, values[0] || '(empty)');
  const list = make('ol', { class: 'texts', start: 0 });
  for (const each of values.slice(0, mostTexts)) list.append(make('li', {}, each || '(empty)'));
  return make('div', {}, list, values.length > mostTexts
    && make('p', { class: 'hint' }, `The first ${mostTexts} of ${values.length}.`));
}

// The axes of a line of numbers: the last one that has several, and those of extent 1 after it.
const lineRank = ({ dims }) =>
  Math.max(1, dims.length - Math.max(0, dims.findLastIndex((d) => d > 1)));

// rank: the extents that a view shows at once.
const views = {
  classes: { label: 'classes', rank: lineRank, draw: classes, options: classOptions },
  picture: { label: 'picture', rank: ({ dims }) => (layoutOf(dims) ? 3 : 2), draw: picture,
    options: pictureOptions },
  mask: { label: 'regions',
    rank: ({ type, dims }) => (/int|bool/.test(type) || dims.length < 3 ? 2 : 3),
    draw: segments, options: overField('mask', { tint: 'as a tint', no: 'no' }) },
  heat: { label: 'heat map', rank: () => 2, draw: heatMap,
    options: overField('heat', { no: 'no', tint: 'as a tint' }) },
  history: { label: 'run after run', rank: ({ dims }) => dims.length, draw: history },
  plot: { label: 'line', rank: lineRank, draw: plot },
  table: { label: 'table', rank: ({ dims }) => Math.max(2, lineRank({ dims })), draw: table },
  text: { label: 'text', rank: ({ dims }) => dims.length, draw: text },
};

export const viewNames = Object.fromEntries(Object.entries(views)
  .map(([key, { label }]) => [key, label]));
export const rankOf = (view, tensor) => views[view].rank(tensor);
export const optionsOf = (view, options, again) => views[view].options?.(options, again) ?? [];

/** The element of a view of a tensor's piece `index`. */
export function draw(view, tensor, index, options, label) {
  const { type, data, dims } = tensor;
  const numbers = type === 'string' ? data : numbersOf(tensor);
  const part = piece({ data: numbers, dims }, views[view].rank(tensor), index);
  return views[view].draw(part, { ...options, type, tensor: { type, data } }, label);
}
