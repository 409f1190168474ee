// How <ashore-model> shows results: rows with bars, tables of numbers, curves.
const svgNames = 'http://www.w3.org/2000/svg';
const drawn = ['svg', 'rect', 'path'];
const most = { rows: 50, columns: 16 }; // of a table
const points = 400; // across a curve

export function make(tag, attributes = {}, ...children) {
  const element = drawn.includes(tag) ? document.createElementNS(svgNames, tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const rect = (name, width) => make('rect', { class: name, width, height: 8, rx: 2 });

/** { label, score } of a class or a box, in words and as a bar. */
export const row = ({ label, score }) => make('li', { part: 'result' },
  make('span', { part: 'label' }, label),
  make('svg', { part: 'bar', viewBox: '0 0 100 8', preserveAspectRatio: 'none',
    'aria-hidden': 'true' }, rect('track', 100),
  rect('fill', 100 * Math.min(Math.max(score, 0), 1))),
  make('span', { class: 'value', part: 'value' },
    score >= 0 && score <= 1 ? `${(100 * score).toFixed(1)} %` : text(score)));

const text = (value) => (typeof value === 'number' ? String(+value.toPrecision(4)) : String(value));

// The elements of a tensor as rows: those of its last axis.
function rowsOf({ data, dims }) {
  const width = dims.at(-1) ?? 1;
  return { width, height: width ? data.length / width : 0,
    at: (i) => Array.from(data.slice(i * width, i * width + Math.min(width, most.columns))) };
}

/** A tensor's numbers or texts: as many as can be read. */
export function table(name, value) {
  const { width, height, at } = rowsOf(value);
  const shown = Math.min(height, most.rows);
  const caption = `${name}: ${value.type}[${value.dims.join(', ')}]${
    shown < height || width > most.columns ? ', the first of them' : ''}`;
  // It scrolls, and what scrolls has to be reached by the keyboard.
  return make('div', { class: 'scroll', part: 'table', tabindex: 0, role: 'region',
    'aria-label': name }, make('table', {}, make('caption', {}, caption), make('tbody', {},
    ...Array.from({ length: shown }, (_, i) => make('tr', {},
      ...at(i).map((each) => make('td', {}, text(each))))))));
}

/** Numbers as a curve; of many, the least and the largest of each place. */
export function curve(values, label) {
  const places = Math.min(values.length, points);
  const ends = Array.from({ length: places }, () => [Infinity, -Infinity]);
  let [least, largest] = [Infinity, -Infinity];
  values.forEach((value, i) => {
    const number = Number(value);
    if (!Number.isFinite(number)) return;
    const end = ends[Math.floor(i * places / values.length)];
    end[0] = Math.min(end[0], number);
    end[1] = Math.max(end[1], number);
    least = Math.min(least, number);
    largest = Math.max(largest, number);
  });
  const height = (value) => (largest > least ? 98 - 96 * (value - least) / (largest - least) : 50)
    .toFixed(1);
  const path = ends.map((end, i) => [i, end]).filter(([, [low, high]]) => low <= high)
    .map(([i, [low, high]], k) => `${k ? 'L' : 'M'}${i} ${height(low)}L${i} ${height(high)}`).join('');
  const range = least <= largest ? ` from ${text(least)} to ${text(largest)}` : '';
  return make('svg', { class: 'curve', part: 'plot', viewBox: `0 0 ${Math.max(places - 1, 1)} 100`,
    preserveAspectRatio: 'none', role: 'img',
    'aria-label': `${label}: ${values.length} numbers${range}` }, make('path', { d: path }));
}
