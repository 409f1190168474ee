// Tables, examples and conversations.
import { button, copyButton, length, make, save } from './dom.js';
import { empty, panel } from './field.js';
import { pictureOf } from './media.js';
import { fromMarkdown } from './markup.js';

const text = (value) => (value === null || value === undefined ? '' : String(value));

export function dataframe(node) {
  const { props } = node;
  const body = make('div', { class: 'gr-scroll', tabindex: 0, role: 'group',
    'aria-label': props.label });
  if (props.max_height) body.style.maxHeight = length(props.max_height);
  const fixed = (column) => props.static_columns?.includes(column);
  const changed = (value, row, column, written) => {
    const data = value.data.map((cells) => [...cells]);
    data[row][column] = written;
    node.take({ ...value, data });
  };
  const select = (value, row, column) => node.emit('select', { index: [row, column],
    value: value.data[row][column], row_value: value.data[row],
    col_value: value.data.map((cells) => cells[column]) });
  const cell = (value, row, column) => {
    const name = `${value.headers[column]}, row ${row + 1}`;
    const found = value.data[row][column];
    if (props.interactive && !fixed(column)) {
      return make('td', {}, make('input', { value: text(found), 'aria-label': name,
        oninput: (event) => changed(props.value, row, column, event.target.value),
        onfocus: () => select(props.value, row, column) }));
    }
    return make('td', { class: typeof found === 'number' && 'gr-value' },
      node.listens('select') ? button(text(found), () => select(value, row, column),
        { class: 'gr-plain', 'aria-label': `${name}: ${text(found)}` }) : text(found));
  };
  const show = (value) => {
    if (!value) {
      body.replaceChildren(empty('Nothing yet'));
      return;
    }
    body.replaceChildren(make('table', {}, make('thead', {}, make('tr', {},
      ...value.headers.map((name, column) => make('th', { scope: 'col', class: !props.interactive
        && typeof value.data[0]?.[column] === 'number' && 'gr-value' }, text(name))))),
    make('tbody', {}, ...value.data.map((cells, row) => make('tr', {},
      ...cells.map((_, column) => cell(value, row, column)))))));
  };
  const more = props.interactive && button('Add a row', () => {
    const { headers, data } = props.value;
    const value = { headers, data: [...data, headers.map(() => '')] };
    show(value);
    node.take(value);
  }, { class: 'quiet gr-small' });
  return { element: panel(node, body, more), show };
}

const brief = (value, kind) => {
  if (value === null || value === undefined) return make('span', {});
  if (kind === 'image') return pictureOf(value, value.name);
  if (kind === 'gallery') return make('span', {}, `${value.length} pictures`);
  if (kind === 'dataframe') return make('span', {}, `${value.data.length} rows`);
  if (value.bytes) return make('span', {}, value.name);
  const said = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return make('span', {}, said.length > 80 ? `${said.slice(0, 79)}…` : said);
};

export function dataset(node) {
  const { props } = node;
  const body = make('div', { class: 'gr-examples' });
  let first = 0;
  const choose = (index) => {
    node.fill(props.components, props.samples[index]);
    node.take(index);
    node.emit('click');
    node.emit('select', { index, value: props.samples[index] });
  };
  const nameOf = (index) => props.sample_labels?.[index] || `Example ${index + 1}`;
  const list = (rows) => make('div', { class: 'gr-chips' }, ...rows.map(({ row, index }) =>
    make('button', { type: 'button', class: 'quiet gr-sample', 'aria-label': nameOf(index),
      onclick: () => choose(index) }, props.sample_labels ? nameOf(index)
      : brief(row[0], props.kinds[0]))));
  const table = (rows) => make('div', { class: 'gr-scroll' }, make('table', {},
    make('thead', {}, make('tr', {}, make('td', {}), ...props.names.map((name) =>
      make('th', { scope: 'col' }, name)))),
    make('tbody', {}, ...rows.map(({ row, index }) => make('tr', { onclick: () => choose(index) },
      make('td', {}, button(nameOf(index), () => {}, { class: 'quiet gr-small' })),
      ...props.kinds.map((kind, i) => make('td', {}, brief(row[i], kind))))))));
  const show = () => {
    const all = props.samples.map((row, index) => ({ row, index }));
    const rows = all.slice(first, first + props.samples_per_page);
    const pages = Math.ceil(all.length / props.samples_per_page);
    body.replaceChildren(props.kinds.length > 1 ? table(rows) : list(rows));
    if (pages < 2) return;
    body.append(make('nav', { class: 'gr-tools', 'aria-label': 'Pages of examples' },
      ...Array.from({ length: pages }, (_, page) => button(String(page + 1), () => {
        first = page * props.samples_per_page;
        show();
      }, { class: 'quiet gr-small', 'aria-label': `Page ${page + 1}`,
        'aria-current': page * props.samples_per_page === first && 'page' }))));
  };
  show();
  return { element: panel(node, body), show };
}

function fileOf(file) {
  if (file.type.startsWith('image/')) return pictureOf(file, file.name);
  return button(`Save ${file.name}`, () => save(file), { class: 'quiet gr-small' });
}

export function chatbot(node) {
  const { props } = node;
  const body = make('div', { class: 'gr-chat', role: 'log', tabindex: 0,
    'aria-label': props.label });
  for (const [name, key] of [['height', 'height'], ['maxHeight', 'max_height'],
    ['minHeight', 'min_height']]) {
    if (props[key]) body.style[name] = length(props[key]);
  }
  const placeOf = (index) => (props.type === 'tuples' ? [index >> 1, index % 2] : index);
  const tell = (event, index, content, more) => node.emit(event, { index: placeOf(index),
    value: content, ...more });
  const tool = (label, event, index, content, more) => node.listens(event) && button(label, () =>
    tell(event, index, content, more), { class: 'quiet gr-small' });
  // What can be done with an answer, and with the last one only.
  const answerTools = (content, index, messages) => {
    const asked = messages.findLastIndex(({ role }) => role === 'user');
    const last = index === messages.length - 1 && asked >= 0;
    const tools = [tool('Like', 'like', index, content, { liked: true }),
      tool('Dislike', 'like', index, content, { liked: false }),
      last && tool('Retry', 'retry', asked, messages[asked].content),
      last && tool('Undo', 'undo', asked, messages[asked].content)].filter(Boolean);
    return tools.length > 0 && make('div', { class: 'gr-tools' }, ...tools);
  };
  const message = ({ role, content, title }, index, messages) => {
    const shown = typeof content === 'string' ? make('div', { class: 'gr-prose' },
      fromMarkdown(content, true)) : fileOf(content);
    const inside = title
      ? make('details', { open: true }, make('summary', {}, title), shown) : shown;
    return make('div', { class: `gr-message ${role === 'user' ? 'gr-user' : 'gr-bot'}` },
      make('span', { class: 'gr-unseen' }, role === 'user' ? 'You: ' : 'Answer: '), inside,
      props.show_copy_button && typeof content === 'string' && role !== 'user'
        && copyButton(() => content),
      role !== 'user' && answerTools(content, index, messages),
      node.listens('select') && button('Choose', () => node.emit('select', { index,
        value: content }), { class: 'quiet gr-small' }));
  };
  const tools = node.listens('clear') && button('Clear', () => {
    node.take([]);
    show([]);
    node.emit('clear');
  }, { class: 'quiet gr-small' });
  function show(value) {
    const messages = (value ?? []).filter(({ content }) => content !== null);
    body.replaceChildren(...messages.map(message));
    if (!messages.length) body.append(empty(props.placeholder || 'No messages yet'));
    body.scrollTop = body.scrollHeight;
  }
  return { element: panel(node, body, tools), show };
}
