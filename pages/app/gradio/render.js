// A program's page: its components and layouts as elements, its events as calls.
//
//     const page = mount(root, config, host);
//
// config is what gradio._host.config() gave. host.call(fn, { values, event }, { signal, onUpdate,
// onProgress }) returns a promise that settles when the function has ended; host.js makes one of
// a worker.
import { audio, file, gallery, image, plot } from './media.js';
import { chatbot, dataframe, dataset } from './data.js';
import { checkbox, checkboxgroup, downloadbutton, dropdown, pressed, radio, uploadbutton }
  from './choices.js';
import { colorpicker, html, json, label, markdown, number, slider, textbox, timer, unseen }
  from './text.js';
import { Dispatcher } from './dispatch.js';
import { make } from './dom.js';
import { notices } from './notices.js';
import { same } from './same.js';
import * as layouts from './layout.js';

const components = { textbox, textarea: textbox, code: textbox, number, slider, label, markdown,
  html, json, state: unseen, button: pressed, clearbutton: pressed, downloadbutton, uploadbutton,
  radio, checkboxgroup, dropdown, checkbox, image, audio, file, plot, gallery, dataframe, dataset,
  chatbot, colorpicker, timer };

/** The names of the components that can be shown, for a test against the list of Python's. */
export const known = [...Object.keys(components), ...Object.keys(layouts)];

const empties = { checkbox: false, checkboxgroup: [], slider: (props) => props.minimum,
  chatbot: [], gallery: [], textbox: '' };
const emptyOf = ({ type, props }) => {
  if (type === 'dropdown' && props.multiselect) return [];
  const value = empties[type] ?? null;
  return typeof value === 'function' ? value(props) : value;
};

class Page {
  constructor(root, config, host) {
    this.nodes = new Map();
    const { element, say } = notices();
    this.say = say;
    this.dispatcher = new Dispatcher(config.dependencies, this, host);
    for (const { id, type, props } of config.components) {
      this.nodes.set(id, this.node(id, type, props));
    }
    this.element = make('div', { class: `gr-page gr-${config.mode} gradio-container` },
      ...config.layout.children.map((child) => this.build(child).element));
    root.replaceChildren(this.element, element);
    for (const node of this.nodes.values()) node.view.mounted?.();
    this.dispatcher.emit(config.root, 'load');
  }

  node(id, type, props) {
    if (components[type] === textbox) props.value ??= ''; // nothing was written yet
    const node = { id, type, props, view: null, frame: null,
      listens: (event) => this.dispatcher.listens(id, event),
      emit: (event, data) => this.dispatcher.emit(id, event, data),
      say: this.say,
      take: (value) => {
        if (same(props.value, value)) return;
        props.value = value;
        node.emit('input');
        node.emit('change');
      },
      clear: (ids) => {
        for (const one of ids) this.apply(one, { value: emptyOf(this.nodes.get(one)) });
      },
      fill: (ids, values) => ids.forEach((one, i) => i < values.length
        && this.apply(one, { value: values[i] })) };
    return node;
  }

  build({ id, children }) {
    const node = this.nodes.get(id);
    const inner = children?.map((child) => this.build(child));
    if (inner) {
      const view = (layouts[node.type] ?? layouts.column)(node, inner);
      node.view = view;
      node.frame = view.element;
      this.dress(node);
      return Object.assign(view, { node });
    }
    node.frame = make('div', { class: `gr-frame gr-is-${node.type}`, 'data-id': id });
    this.fillFrame(node);
    this.dress(node);
    return { element: node.frame, node };
  }

  fillFrame(node) {
    const create = components[node.type];
    if (!create) throw new Error(`The page cannot show a component "${node.type}".`);
    const focused = node.frame.getRootNode().activeElement;
    const held = node.frame.contains(focused) && focused.localName;
    const meters = [...node.frame.querySelectorAll(':scope > .gr-meter')];
    node.view = create(node);
    node.frame.replaceChildren(node.view.element, ...meters);
    node.view.show(node.props.value);
    if (node.frame.isConnected) node.view.mounted?.();
    if (held) node.frame.querySelector(held)?.focus();
  }

  dress({ frame, props, type }) {
    if (type !== 'tab') frame.hidden = props.visible === false || type === 'state'
      || type === 'timer';
    if (props.elem_id) frame.id = props.elem_id;
    frame.classList.add(...[props.elem_classes ?? []].flat().flatMap((name) => name.split(' '))
      .filter(Boolean));
  }

  /** Takes over properties that a function changed. */
  apply(id, changed) {
    const node = this.nodes.get(id);
    if (!changed || !node || !Object.keys(changed).length) return;
    const before = node.props.value;
    Object.assign(node.props, changed);
    this.dress(node);
    const inLayout = layouts[node.type] !== undefined;
    const only = Object.keys(changed).every((key) => ['value', 'visible', 'elem_id',
      'elem_classes'].includes(key));
    if (inLayout) node.view.update?.(node.props, changed);
    else if (!only) this.fillFrame(node);
    else if ('value' in changed) node.view.show(node.props.value);
    if ('value' in changed && !same(before, node.props.value)) node.emit('change');
  }

  /** A component's value as a function is given it. */
  async payload(id) {
    const node = this.nodes.get(id);
    if (node.view.payload) return node.view.payload();
    return node.type === 'state' ? null : node.props.value ?? null;
  }
}

/** Shows a program's page in `root`; the page's css goes to its document, or the shadow tree that
 *  `root` is in. */
export function mount(root, config, host) {
  if (config.title) root.ownerDocument.title = config.title;
  if (config.css) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(config.css);
    const place = root.getRootNode();
    place.adoptedStyleSheets = [...place.adoptedStyleSheets, sheet];
  }
  return new Page(root, config, host);
}
