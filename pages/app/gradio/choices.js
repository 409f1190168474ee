// Components in which something is chosen, and buttons.
import { button, carried, fileButton, make, newId, save } from './dom.js';
import { field, group } from './field.js';
import { same } from './same.js';

const indexOf = (choices, value) => choices.findIndex(([, one]) => same(one, value));

export function radio(node) {
  const { props } = node;
  const name = newId('radio');
  const controls = props.choices.map(([label, value], index) => {
    const control = make('input', { type: 'radio', name, value: index,
      disabled: !props.interactive, onchange: () => {
        node.take(value);
        node.emit('select', { index, value: label });
      } });
    return { control, element: make('label', { class: 'gr-chip' }, control, label) };
  });
  return { element: group(node, make('div', { class: 'gr-chips' },
    ...controls.map(({ element }) => element))),
  show: (value) => {
    const chosen = indexOf(props.choices, value);
    controls.forEach(({ control }, index) => { control.checked = index === chosen; });
  } };
}

// Boxes of which any can be checked: for gr.CheckboxGroup, and gr.Dropdown with multiselect.
function boxes(node, changed = () => {}) {
  const { props } = node;
  const most = props.max_choices ?? Infinity;
  const limit = () => {
    const count = controls.filter(({ control }) => control.checked).length;
    for (const { control } of controls) {
      control.disabled = !props.interactive || (!control.checked && count >= most);
    }
    changed();
  };
  const take = () => {
    node.take(props.choices.filter((_, index) => controls[index].control.checked).map(([, value]) =>
      value));
    limit();
  };
  const controls = props.choices.map(([label], index) => {
    const control = make('input', { type: 'checkbox', onchange: () => {
      take();
      node.emit('select', { index, value: label, selected: control.checked });
    } });
    return { control, element: make('label', { class: 'gr-chip' }, control, label) };
  });
  const all = props.show_select_all && props.interactive && button('Select all', () => {
    const every = controls.every(({ control }) => control.checked);
    for (const { control } of controls) control.checked = !every;
    take();
  }, { class: 'quiet gr-small' });
  return { element: make('div', { class: 'gr-chips' }, ...controls.map((one) => one.element), all),
    show: (value) => {
      const chosen = (value ?? []).map((one) => indexOf(props.choices, one));
      controls.forEach(({ control }, index) => { control.checked = chosen.includes(index); });
      limit();
    } };
}

export function checkboxgroup(node) {
  const { element, show } = boxes(node);
  return { element: group(node, element), show };
}

function many(node) {
  const { props } = node;
  const said = make('summary', { class: 'gr-input' });
  const made = boxes(node, () => {
    const names = props.choices.filter(([, value]) => (props.value ?? []).some((one) =>
      same(one, value))).map(([label]) => label);
    said.textContent = names.join(', ') || 'Choose…';
  });
  return { element: group(node, make('details', { class: 'gr-many' }, said, made.element)),
    show: made.show };
}

// Choices, or anything that is written.
function free(node) {
  const { props } = node;
  const list = make('datalist', { id: newId('list') },
    ...props.choices.map(([label]) => make('option', { value: label })));
  const control = make('input', { type: 'text', list: list.id, disabled: !props.interactive,
    autocomplete: 'off',
    onchange: () => {
      const index = props.choices.findIndex(([label]) => label === control.value);
      const value = index < 0 ? control.value || null : props.choices[index][1];
      node.take(value);
      node.emit('select', { index: index < 0 ? props.choices.length : index,
        value: control.value });
    },
    onfocus: () => node.emit('focus'), onblur: () => node.emit('blur') });
  return { element: field(node, control, list), show: (value) => {
    const index = indexOf(props.choices, value);
    control.value = index < 0 ? value ?? '' : props.choices[index][0];
  } };
}

export function dropdown(node) {
  const { props } = node;
  if (props.multiselect) return many(node);
  if (props.allow_custom_value) return free(node);
  const control = make('select', { disabled: !props.interactive,
    onchange: () => {
      const index = Number(control.value);
      const [label, value] = props.choices[index];
      control.querySelector('option[value=""]')?.remove();
      node.take(value);
      node.emit('select', { index, value: label });
    },
    onfocus: () => node.emit('focus'), onblur: () => node.emit('blur') },
  ...props.choices.map(([label], index) => make('option', { value: index }, label)));
  return { element: field(node, control), show: (value) => {
    const index = indexOf(props.choices, value);
    control.querySelector('option[value=""]')?.remove();
    if (index < 0) {
      control.prepend(make('option', { value: '', disabled: true, selected: true }, 'Choose…'));
    }
    control.value = index < 0 ? '' : index;
  } };
}

export function checkbox(node) {
  const { props } = node;
  const info = props.info && make('p', { class: 'gr-info', id: newId('info') }, props.info);
  const control = make('input', { type: 'checkbox', disabled: !props.interactive,
    'aria-describedby': info && info.id, onchange: () => {
      node.take(control.checked);
      node.emit('select', { index: 0, value: props.label, selected: control.checked });
    } });
  return { element: make('div', { class: 'gr-field' },
    make('label', { class: 'gr-check' }, control, props.label), info),
  show: (value) => { control.checked = Boolean(value); } };
}

const look = ({ variant, size: wide }) => `gr-button ${variant === 'primary' ? '' : 'quiet'} `
  + `${variant === 'stop' ? 'gr-stop' : ''} ${wide === 'sm' ? 'gr-small' : ''}`;

async function picture(icon) {
  const canvas = make('canvas', { class: 'gr-icon', 'aria-hidden': 'true' });
  const bitmap = await createImageBitmap(new Blob([icon.bytes], { type: icon.type }));
  Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
  canvas.getContext('2d').drawImage(bitmap, 0, 0);
  return canvas;
}

const dressed = (control, icon) => {
  if (icon) picture(icon).then((canvas) => control.prepend(canvas), () => {});
};

export function pressed(node) {
  const { props } = node;
  const control = button('', () => {
    if (props.clears) node.clear(props.clears);
    if (/^(https?:|mailto:)/.test(props.link ?? '')) window.open(props.link, '_blank', 'noopener');
    node.emit('click');
  }, { class: look(props), disabled: !props.interactive });
  return { element: control, show: (value) => {
    control.textContent = value ?? '';
    dressed(control, props.icon);
  } };
}

export function downloadbutton(node) {
  const { props } = node;
  const control = button(props.label, () => {
    if (props.value) save(props.value);
    node.emit('click');
  }, { class: look(props), disabled: !props.interactive });
  dressed(control, props.icon);
  return { element: control, show: () => {} };
}

export function uploadbutton(node) {
  const { props } = node;
  const element = fileButton(props.label, { multiple: props.file_count !== 'single',
    directory: props.file_count === 'directory', accept: accepts(props.file_types),
    disabled: !props.interactive, className: look(props) }, async (files) => {
    const taken = await Promise.all(files.map(carried));
    node.take(props.file_count === 'single' ? taken[0] : taken);
    node.emit('upload');
  });
  element.addEventListener('click', (event) => event.target.matches('input') || node.emit('click'));
  dressed(element.querySelector('label'), props.icon);
  return { element, show: () => {} };
}

/** file_types of Python as the attribute accept: "image" is image/*, "file" is any, and ".csv" and
 *  media types are as they are. */
export const accepts = (types) => types?.filter((type) => type !== 'file')
  .map((type) => (/^[a-z]+$/.test(type) ? `${type}/*` : type)).join(',') || undefined;
