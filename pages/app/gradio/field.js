// A component's frame: its label, what explains it, and its control.
import { make, newId } from './dom.js';

const labelled = ({ props }) => props.show_label !== false && props.label;

/** A control with its label before it; the label is there for readers of the screen in any case. */
export function field(node, control, ...more) {
  const { props } = node;
  control.id ||= newId('control');
  const info = props.info && make('p', { class: 'gr-info', id: newId('info') }, props.info);
  if (info) control.setAttribute('aria-describedby', info.id);
  return make('div', { class: 'gr-field' },
    make('label', { for: control.id, class: labelled(node) ? 'gr-label' : 'gr-unseen' },
      props.label || node.type), info, control, ...more);
}

/** Several controls under one label. */
export function group(node, ...controls) {
  const { props } = node;
  return make('fieldset', { class: 'gr-field' },
    make('legend', { class: labelled(node) ? 'gr-label' : 'gr-unseen' }, props.label || node.type),
    props.info && make('p', { class: 'gr-info' }, props.info), ...controls);
}

/** What is shown, under its label. */
export function panel(node, ...shown) {
  const id = newId('panel');
  return make('section', { class: 'gr-field gr-panel', 'aria-labelledby': id },
    make('h3', { id, class: labelled(node) ? 'gr-label' : 'gr-unseen' },
      node.props.label || node.type), ...shown);
}

/** What a panel without a value says. */
export const empty = (text) => make('p', { class: 'gr-empty' }, text);
