// Layouts: each is given its children's elements and places them.
import { button, make, newId } from './dom.js';

const box = (name) => (node, children) => ({ element: make('div', { class: `gr-${name}` },
  ...children.map(({ element }) => element)) });

export function column(node, children) {
  const { props } = node;
  const element = make('div', { class: 'gr-column' }, ...children.map((child) => child.element));
  element.style.flexGrow = props.scale ?? 1;
  element.style.setProperty('--least', `${props.min_width ?? 320}px`);
  return { element };
}

export function row(node, children) {
  for (const { element, node: child } of children) {
    if (child.type === 'column') continue;
    const small = child.type.endsWith('button');
    element.style.flexGrow = child.props.scale ?? 1;
    element.style.setProperty('--least', `${child.props.min_width ?? (small ? 110 : 160)}px`);
  }
  return { element: make('div', { class: `gr-row ${node.props.equal_height ? 'gr-equal' : ''}` },
    ...children.map((child) => child.element)) };
}

export const group = box('group');

export function accordion(node, children) {
  const summary = make('summary', {}, node.props.label || 'More');
  const element = make('details', { class: 'gr-accordion', open: node.props.open }, summary,
    make('div', { class: 'gr-column' }, ...children.map((child) => child.element)));
  element.addEventListener('toggle', () => {
    if (element.open === node.props.open) return;
    node.props.open = element.open;
    node.emit(element.open ? 'expand' : 'collapse');
  });
  return { element, update: (props) => {
    summary.textContent = props.label || 'More';
    element.open = props.open;
  } };
}

/** It has no side here: the page may be narrow, or a part of another. */
export const sidebar = accordion;

export const tab = (node, children) => ({ element: make('div', { class: 'gr-column gr-tab',
  role: 'tabpanel', id: newId('tab') }, ...children.map((child) => child.element)) });

export function tabs(node, children) {
  const list = make('div', { class: 'gr-tablist', role: 'tablist' });
  const pages = children.filter(({ node: child }) => child.type === 'tab');
  const shown = () => pages.filter(({ node: child }) => child.props.visible !== false
    && child.props.interactive !== false);
  let open;
  const select = (page, byUser) => {
    const before = open;
    open = page;
    update();
    if (!byUser || before === page) return;
    const data = { index: pages.indexOf(page), value: page.node.props.label };
    page.node.emit('select', data);
    node.emit('select', data);
    node.emit('change');
  };
  const controls = pages.map((page) => {
    const control = button(page.node.props.label || 'Tab', () => select(page, true),
      { role: 'tab', id: newId('tabname'), 'aria-controls': page.element.id });
    page.element.setAttribute('aria-labelledby', control.id);
    return control;
  });
  list.append(...controls);
  list.addEventListener('keydown', ({ key }) => {
    const among = shown();
    const at = among.indexOf(open);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1 + among.length, Home: 0,
      End: among.length - 1 }[key];
    if (to === undefined) return;
    select(among[to % among.length], true);
    controls[pages.indexOf(open)].focus();
  });
  function update() {
    if (!shown().includes(open)) [open] = shown();
    pages.forEach((page, i) => {
      const { props } = page.node;
      controls[i].hidden = props.visible === false;
      controls[i].disabled = props.interactive === false;
      controls[i].textContent = props.label || 'Tab';
      controls[i].setAttribute('aria-selected', String(page === open));
      controls[i].tabIndex = page === open ? 0 : -1;
      page.element.hidden = page !== open;
    });
  }
  const find = (id) => pages.find(({ node: { props, id: number } }) =>
    id !== null && id !== undefined && (props.id === id || number === id));
  open = find(node.props.selected) ?? pages[0];
  update();
  for (const page of pages) page.update = () => update();
  return { element: make('div', { class: 'gr-tabs' }, list, ...pages.map(({ element }) => element)),
    update: (props, changed) => {
      if ('selected' in changed) open = find(props.selected) ?? open;
      update();
    } };
}
