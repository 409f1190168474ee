// The card of one output: what the model gave, in a view of one's choice, and as a file.
import { choice, field, make, newId, numberInput, saveButton } from './dom.js';
import { draw, optionsOf, rankOf, viewNames } from './views.js';
import { pieces, readLabels } from './results.js';
import { elements, isNumeric, numbersOf, show as showNumber } from './numbers.js';
import { decideOutput } from './decide.js';
import { npyName, writeNpy } from './npy.js';

const mostItems = 50; // of a sequence or a map
const mostShown = 12; // elements of an item
const mostRuns = 1000; // of a history

function brief(item) {
  if (!item) return 'empty';
  if (item instanceof Map) {
    const first = [...item].slice(0, mostItems).map(([key, value]) => `${showNumber(key)}: ${
      typeof value === 'object' ? 'a value' : showNumber(value)}`);
    return `${first.join(', ')}${item.size > mostItems ? ', …' : ''}`;
  }
  const { type, dims, data } = item;
  return `${type}[${dims.join(', ')}] ${Array.from(data.slice(0, mostShown), showNumber).join(', ')
  }${data.length > mostShown ? ', …' : ''}`;
}

function entries(value) {
  if (value === null) return make('p', { class: 'hint' }, 'Empty.');
  if (value instanceof Map) return make('p', {}, brief(value));
  const list = make('ol', { class: 'texts', start: 0 });
  for (const item of value.slice(0, mostItems)) {
    list.append(make('li', {}, Array.isArray(item) ? entries(item) : brief(item)));
  }
  return make('div', {}, make('p', { class: 'hint' }, `A sequence of ${value.length}.`), list);
}

/** { element, show(value, going) }; labelsFor(count): labels that came with the page; backdrop():
 *  the picture that the model saw, or null; going: this is one of many runs in a row. */
export function outputCard(info, labelsFor, backdrop) {
  const title = make('h3', { id: newId('output') }, info.name || '(no name)');
  const kind = make('code', {}, info.text);
  const controls = make('div', { class: 'fields' });
  const body = make('div', { class: 'view' });
  const actions = make('div', { class: 'actions' });
  const problem = make('p', { class: 'problem', role: 'alert' });
  const options = { scores: 'auto', count: 5, range: 'auto', order: 'rgb', labels: null, labelsFor,
    backdrop, over: { picture: 'no', mask: 'tint', heat: 'no' }, history: [],
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
  let built = ''; // what the controls are for
  let went = false; // the last run was one of many
  const redraw = () => body.replaceChildren(draw(view, tensor, index, options,
    `${info.name} as ${viewNames[view]}`));
  const again = (changes) => {
    Object.assign(options, changes);
    redraw();
  };

  // Controls stay as they are while they are for the same: someone may be using them.
  function use(views) {
    const count = pieces(tensor.dims, rankOf(view, tensor));
    index = Math.min(index, Math.max(0, count - 1));
    const wanted = [view, count, Boolean(backdrop()), ...views].join();
    if (built !== wanted) {
      built = wanted;
      build(views, count);
    }
    redraw();
  }

  function build(views, count) {
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
    actions.replaceChildren(saveButton('Save as .npy', npyName(info.name),
      () => writeNpy(tensor)));
  }

  // A single number is shown over the runs, where there are several in a row.
  function remember(going) {
    if (!going || !went) options.history = [];
    went = going;
    if (elements(tensor.dims) !== 1 || !isNumeric(tensor.type)) return false;
    options.history.push(Number(numbersOf(tensor)[0]));
    if (options.history.length > mostRuns) options.history.shift();
    return options.history.length > 1;
  }

  const element = make('section', { class: 'card', 'aria-labelledby': title.id },
    make('div', { class: 'head' }, title, kind), controls, body, problem, actions);
  return { element,
    show(value, going = false) {
      if (value === null || Array.isArray(value) || value instanceof Map) {
        built = '';
        controls.replaceChildren();
        actions.replaceChildren();
        body.replaceChildren(entries(value));
        return;
      }
      tensor = value;
      kind.textContent = `${value.type}[${value.dims.join(', ')}]`;
      const decided = decideOutput(info, value);
      const views = remember(going) ? ['history', ...decided.views] : decided.views;
      view = views.includes(chosen) ? chosen : views[0] === 'history' ? 'history' : decided.view;
      use(views);
    } };
}
