// Components of text and numbers.
import { button, copyButton, length, make, newId } from './dom.js';
import { empty, field, panel } from './field.js';
import { fromHtml, fromMarkdown } from './markup.js';

// As tall as its text, between lines and max_lines.
function fit(area, { lines, max_lines: most }) {
  if (area.tagName !== 'TEXTAREA' || !area.isConnected) return;
  const style = getComputedStyle(area);
  const line = parseFloat(style.lineHeight) || 24;
  const around = area.offsetHeight - area.clientHeight + parseFloat(style.paddingTop)
    + parseFloat(style.paddingBottom);
  area.style.height = 'auto';
  const wanted = Math.max(area.scrollHeight + area.offsetHeight - area.clientHeight,
    lines * line + around);
  area.style.height = `${Math.min(wanted, Math.max(most ?? 20, lines) * line + around)}px`;
}

export function textbox(node) {
  const { props } = node;
  const oneLine = props.type !== 'text' && node.type === 'textbox';
  const control = make(oneLine || props.max_lines === 1 ? 'input' : 'textarea', {
    type: oneLine ? props.type : props.max_lines === 1 && 'text',
    rows: !oneLine && props.max_lines !== 1 && props.lines, placeholder: props.placeholder,
    maxlength: props.max_length, readonly: !props.interactive, dir: props.rtl ? 'rtl' : 'auto',
    autocomplete: 'off', autofocus: props.autofocus, spellcheck: node.type === 'code' && 'false' });
  if (props.text_align) control.style.textAlign = props.text_align;
  if (node.type === 'code') control.classList.add('gr-code');
  control.addEventListener('input', () => {
    fit(control, props);
    node.take(control.value);
  });
  const submit = () => props.interactive && node.emit('submit');
  control.addEventListener('keydown', (event) => {
    const enter = event.key === 'Enter' && !event.isComposing;
    if (!enter || node.type === 'code' || event.shiftKey !== (props.lines > 1)) return;
    event.preventDefault();
    submit();
  });
  control.addEventListener('select', () => {
    const index = [control.selectionStart, control.selectionEnd];
    node.emit('select', { value: control.value.slice(...index), index });
  });
  control.addEventListener('focus', () => node.emit('focus'));
  control.addEventListener('blur', () => node.emit('blur'));
  const named = (given, name) => (typeof given === 'string' ? given : name);
  const send = props.submit_btn && button(named(props.submit_btn, 'Send'), submit);
  const stop = props.stop_btn && button(named(props.stop_btn, 'Stop'), () => node.emit('stop'),
    { class: 'gr-stop', hidden: Boolean(send) });
  const row = (send || stop) && make('div', { class: 'gr-with' });
  const copy = props.show_copy_button && copyButton(() => control.value, (value) =>
    node.emit('copy', { value }));
  const element = field(node, control, row, copy);
  if (row) row.append(control, ...[send, stop].filter(Boolean));
  return { element,
    show: (value) => {
      control.value = value ?? '';
      fit(control, props);
    },
    mounted: () => fit(control, props),
    running: (is) => {
      if (send) send.hidden = is && Boolean(stop);
      if (stop) stop.hidden = !is;
    } };
}

/** What a field for a number holds; null for nothing. */
const numberIn = (control) => (control.value.trim() === '' || Number.isNaN(Number(control.value))
  ? null : Number(control.value));

export function number(node) {
  const { props } = node;
  const control = make('input', { type: 'number', inputmode: 'decimal', step: 'any',
    min: props.minimum, max: props.maximum, placeholder: props.placeholder,
    readonly: !props.interactive, autocomplete: 'off',
    oninput: () => node.take(numberIn(control)),
    onkeydown: (event) => {
      if (event.key === 'Enter') node.emit('submit');
      const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (!step || !props.interactive) return;
      event.preventDefault();
      const next = Number(((numberIn(control) ?? 0) + step * props.step).toPrecision(12));
      control.value = Math.min(props.maximum ?? Infinity, Math.max(props.minimum ?? -Infinity,
        next));
      node.take(numberIn(control));
    },
    onfocus: () => node.emit('focus'), onblur: () => node.emit('blur') });
  return { element: field(node, control), show: (value) => { control.value = value ?? ''; } };
}

export function slider(node) {
  const { props } = node;
  const first = props.value;
  const limits = { min: props.minimum, max: props.maximum, step: props.step,
    disabled: !props.interactive };
  const take = (value) => {
    show(value);
    node.take(value);
  };
  const range = make('input', { type: 'range', ...limits,
    oninput: () => take(Number(range.value)),
    onchange: () => node.emit('release') });
  const box = make('input', { type: 'number', ...limits, 'aria-label': `${props.label}, number`,
    oninput: () => {
      const value = numberIn(box);
      if (value === null || value < props.minimum || value > props.maximum) return;
      range.value = value;
      node.take(value);
    },
    onchange: () => {
      const value = Math.min(props.maximum, Math.max(props.minimum, numberIn(box)
        ?? props.minimum));
      if (value !== props.value) take(value);
      box.value = value;
      node.emit('release');
    } });
  const reset = props.show_reset_button && props.interactive && button('Reset', () => {
    take(first);
    node.emit('release');
  }, { class: 'quiet gr-small', 'aria-label': `Reset ${props.label}` });
  const element = field(node, range);
  const ends = make('div', { class: 'gr-slide' }, make('span', { 'aria-hidden': 'true' },
    String(props.minimum)), range, make('span', { 'aria-hidden': 'true' }, String(props.maximum)));
  element.append(ends, make('div', { class: 'gr-with gr-slide-value' }, box, reset));
  function show(value) {
    range.value = value;
    box.value = value;
  }
  return { element, show };
}

// Shares that are summed in float32 miss 0 and 1 by some 1e-7 a term.
const asPercent = (value) => (value >= -1e-5 && value <= 1 + 1e-5 ? `${Math.round(value * 100)}%`
  : String(Number(value.toPrecision(4))));

export function label(node) {
  const { props } = node;
  const body = make('div', { class: 'gr-label-body' });
  return { element: panel(node, body), show: (value) => {
    body.replaceChildren();
    if (!value) {
      body.append(empty('Nothing yet'));
      return;
    }
    if (props.show_heading !== false) {
      const heading = make('p', { class: 'gr-top' }, value.label);
      if (props.color) heading.style.backgroundColor = props.color;
      body.append(heading);
    }
    if (!value.confidences) return;
    const list = make('ol', { class: 'gr-classes' });
    value.confidences.forEach(({ label: name, confidence }, index) => {
      const bar = make('span', { class: 'gr-bar', 'aria-hidden': 'true' }, make('span', {}));
      bar.firstChild.style.width = `${100 * Math.min(1, Math.max(0, confidence))}%`;
      const shown = [make('span', {}, name), make('span', { class: 'gr-value' },
        asPercent(confidence)), bar];
      const select = () => node.emit('select', { index, value: name });
      list.append(make('li', {}, node.listens('select')
        ? make('button', { type: 'button', class: 'gr-plain', onclick: select }, ...shown)
        : make('div', {}, ...shown)));
    });
    body.append(list);
  } };
}

const height = (element, props) => {
  for (const [name, key] of [['height', 'height'], ['maxHeight', 'max_height'],
    ['minHeight', 'min_height']]) {
    if (props[key] !== null && props[key] !== undefined) {
      element.style[name] = length(props[key]);
      element.style.overflow = 'auto';
    }
  }
};

export function markdown(node) {
  const { props } = node;
  const body = make('div', { class: 'gr-prose', dir: props.rtl ? 'rtl' : 'auto' });
  height(body, props);
  const copy = props.show_copy_button && copyButton(() => props.value ?? '', (value) =>
    node.emit('copy', { value }));
  return { element: make('div', { class: 'gr-bare' }, copy, body), show: (value) =>
    body.replaceChildren(fromMarkdown(value ?? '', props.line_breaks)) };
}

export function html(node) {
  const body = make('div', { class: 'gr-prose' });
  height(body, node.props);
  return { element: make('div', { class: 'gr-bare' }, body), show: (value) =>
    body.replaceChildren(fromHtml(value ?? '')) };
}

const scalar = (value) => make('span', { class: `gr-${value === null ? 'null' : typeof value}` },
  JSON.stringify(value));

// The outer two levels are open; all of them if the program says so.
function tree(value, open, indices, depth = 0) {
  if (value === null || typeof value !== 'object') return scalar(value);
  const list = Array.isArray(value);
  const entries = Object.entries(value);
  if (!entries.length) return make('span', {}, list ? '[]' : '{}');
  const rows = entries.map(([key, one]) => make('li', {},
    (!list || indices) && make('span', { class: 'gr-key' },
      `${list ? key : JSON.stringify(key)}: `),
    tree(one, open, indices, depth + 1)));
  return make('details', { open: open || depth < 2 }, make('summary', {},
    list ? `[ ${entries.length} ]` : `{ ${entries.length} }`), make('ul', {}, ...rows));
}

export function json(node) {
  const { props } = node;
  const body = make('div', { class: 'gr-json', tabindex: 0, role: 'group',
    'aria-label': props.label });
  height(body, props);
  const copy = copyButton(() => JSON.stringify(props.value, null, 2));
  return { element: panel(node, body, copy), show: (value) => {
    copy.hidden = value === null || value === undefined;
    body.replaceChildren(copy.hidden ? empty('Nothing yet') : tree(value,
      props.open, props.show_indices));
  } };
}

/** A component that the page does not show. */
export function colorpicker(node) {
  const control = make('input', { type: 'color', class: 'gr-colour', disabled: !node.props.interactive,
    oninput: () => node.take(control.value), onfocus: () => node.emit('focus'),
    onblur: () => node.emit('blur') });
  return { element: field(node, control), show: (value) => { control.value = value ?? '#000000'; } };
}

/** Nothing to be seen: fires while it is active and in the page. */
export function timer(node) {
  clearInterval(node.clock);
  const tick = () => {
    if (node.frame.isConnected) node.emit('tick');
    else clearInterval(node.clock);
  };
  return { ...unseen(), show: (seconds) => {
    clearInterval(node.clock);
    if (node.props.active) node.clock = setInterval(tick, 1000 * seconds);
  } };
}

export const unseen = () => ({ element: make('span', { hidden: true, id: newId('unseen') }),
  show: () => {} });
