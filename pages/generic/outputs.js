// The card of one output: what the model gave, in a view of one's choice, and as a file.
import { choice, field, make, newId, numberInput, saveButton } from './dom.js';
import { draw, optionsOf, rankOf, viewNames } from './views.js';
import { pieces, readLabels } from './results.js';
import { decideOutput } from './decide.js';
import { npyName, writeNpy } from './npy.js';
import { show } from './numbers.js';

const mostItems = 50; // of a sequence
const mostShown = 12; // elements of an item

function brief(item) {
  if (!item) return 'empty';
  const { type, dims, data } = item;
  return `${type}[${dims.join(', ')}] ${Array.from(data.slice(0, mostShown), show).join(', ')}${
    data.length > mostShown ? ', …' : ''}`;
}

function entries(value) {
  if (value === null) return make('p', { class: 'hint' }, 'Empty.');
  const list = make('ol', { class: 'texts', start: 0 });
  for (const item of value.slice(0, mostItems)) {
    list.append(make('li', {}, Array.isArray(item) ? entries(item) : brief(item)));
  }
  return make('div', {}, make('p', { class: 'hint' }, `A sequence of ${value.length}.`), list);
}

/** { element, show(value) }; labelsFor(count): labels that came with the page. */
export function outputCard(info, labelsFor) {
  const title = make('h3', { id: newId('output') }, info.name || '(no name)');
  const kind = make('code', {}, info.text);
  const controls = make('div', { class: 'fields' });
  const body = make('div', { class: 'view' });
  const actions = make('div', { class: 'actions' });
  const problem = make('p', { class: 'problem', role: 'alert' });
  const options = { scores: 'auto', count: 5, range: 'auto', order: 'rgb', labels: null, labelsFor,
    async takeLabels(file) {
      try {
        options.labels = readLabels(await file.text());
        problem.textContent = '';
      } catch {
        problem.textContent = `${file.name}: these are no labels: a line each, or JSON.`;
      }
      redraw();
    } };
  let tensor = null;
  let chosen = null; // a view that was asked for
  let view = '';
  let index = 0;
  const redraw = () => body.replaceChildren(draw(view, tensor, index, options,
    `${info.name} as ${viewNames[view]}`));
  const again = (changes) => {
    Object.assign(options, changes);
    redraw();
  };

  function use(views) {
    const count = pieces(tensor.dims, rankOf(view, tensor));
    index = Math.min(index, Math.max(0, count - 1));
    const names = Object.fromEntries(views.map((name) => [name, viewNames[name]]));
    const select = choice(names, view, (name) => {
      chosen = name;
      view = name;
      index = 0;
      use(views);
      controls.querySelector('select')?.focus();
    });
    const which = numberInput(index, { min: 0, max: count - 1, step: 1 }, (event) => {
      index = Math.min(Math.max(0, Math.floor(Number(event.target.value)) || 0), count - 1);
      redraw();
    });
    controls.replaceChildren(field('Shown as', select),
      ...(count > 1 ? [field(`Item, 0 to ${count - 1}`, which)] : []),
      ...optionsOf(view, options, again));
    redraw();
  }

  const element = make('section', { class: 'card', 'aria-labelledby': title.id },
    make('div', { class: 'head' }, title, kind), controls, body, problem, actions);
  return { element,
    show(value) {
      if (value === null || Array.isArray(value)) {
        controls.replaceChildren();
        actions.replaceChildren();
        body.replaceChildren(entries(value));
        return;
      }
      tensor = value;
      kind.textContent = `${value.type}[${value.dims.join(', ')}]`;
      const decided = decideOutput(info, value);
      view = decided.views.includes(chosen) ? chosen : decided.view;
      actions.replaceChildren(saveButton('Save as .npy', npyName(info.name),
        () => writeNpy(tensor)));
      use(decided.views);
    } };
}
