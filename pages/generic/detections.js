// The card of what a detector found: boxes over the picture, and how they are read.
import { activations, decideBoxes, findBoxes, formats, units } from './detect.js';
import { boxed, inPicture } from './overlay.js';
import { choice, field, fileButton, make, newId, percent } from './dom.js';
import { openTools } from './site.js';
import { readLabels } from './results.js';

const mostListed = 20;

function slider(label, value, oninput) {
  const shown = make('output', {}, value.toFixed(2));
  const control = make('input', { type: 'range', min: 0, max: 1, step: 0.01, value,
    oninput: () => {
      shown.textContent = Number(control.value).toFixed(2);
      oninput(Number(control.value));
    } });
  const made = field(label, control);
  made.firstChild.append(' ', shown);
  return made;
}

/** { element, show(results, backdrop, again) }: hidden unless boxes are among the results; again: the
 *  same source goes on, and is read as before. */
export function detectionCard(labelsFor) {
  const title = make('h3', { id: newId('boxes') }, 'Boxes');
  const controls = make('div', { class: 'fields' });
  const body = make('div', { class: 'view' });
  const problem = make('p', { class: 'problem', role: 'alert' });
  const element = make('section', { class: 'card', 'aria-labelledby': title.id, hidden: true },
    make('div', { class: 'head' }, title), body,
    make('details', {}, make('summary', {}, 'How boxes are read'), controls), problem);
  const chosen = {};
  let labels = null;
  let recipe = null;
  let settings = null;
  let latest = null;

  async function draw() {
    const prep = await openTools();
    const { results, backdrop } = latest;
    const found = findBoxes(prep, recipe, results, backdrop, settings);
    const most = Math.max(recipe.classes, ...found.map(({ label }) => label + 1));
    const own = labels ?? labelsFor(recipe.classes, most);
    const names = found.map(({ label, score }) => `${own[label]
      || (recipe.classes === 1 ? '' : `class ${label} `)}${own[label] ? ' ' : ''}${percent(score)}`);
    const count = `${found.length || 'No'} box${found.length === 1 ? '' : 'es'}`;
    const list = make('ol', { class: 'texts' });
    found.slice(0, mostListed).forEach(({ box }, i) => {
      const [left, top, width, height] = inPicture(backdrop, box);
      list.append(make('li', {}, `${names[i]}: ${width} × ${height} at ${left}, ${top}`));
    });
    body.replaceChildren(boxed(backdrop, found, names, `${count} on the picture`),
      make('p', { class: 'hint' }, `${count}${found.length > mostListed
        ? `, of which the first ${mostListed} are listed` : ''}${found.length
        ? '; sizes and places in pixels of the picture' : ''}.`), list);
  }

  const set = (changes) => {
    Object.assign(chosen, changes);
    Object.assign(settings, changes);
    draw();
  };
  const pick = (name, label, options) => field(label, choice(options, settings[name],
    (value) => set({ [name]: value })));
  function build() {
    const own = recipe.kind === 'anchored' || recipe.kind === 'sorted';
    controls.replaceChildren(
      slider('Score, at least', settings.threshold, (threshold) => set({ threshold })),
      slider('Overlap, at most', settings.overlap, (overlap) => set({ overlap })),
      ...(recipe.kind === 'anchored' ? [] : [pick('format', 'Four numbers are', formats),
        pick('unit', 'They are', units)]),
      ...(own ? [] : [pick('activation', 'Scores', activations)]),
      make('div', { class: 'field' }, make('span', { class: 'caption' }, 'Labels'),
        fileButton('Choose a labels file', '.txt,.json,.names,.csv', async (file) => {
          try {
            labels = readLabels(await file.text());
            problem.textContent = '';
          } catch {
            problem.textContent = `${file.name}: these are no labels: a line each, or JSON.`;
          }
          draw();
        })));
  }

  return { element,
    show(results, backdrop, again) {
      const before = recipe;
      if (!recipe || !again) recipe = backdrop ? decideBoxes(results, backdrop) : null;
      element.hidden = !recipe || !backdrop;
      if (element.hidden) return false;
      latest = { results, backdrop };
      if (recipe !== before) {
        settings = { ...recipe.settings, ...chosen };
        if (before?.kind !== recipe.kind || !controls.childElementCount) build();
      }
      draw();
      return true;
    } };
}
