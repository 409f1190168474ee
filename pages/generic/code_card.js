// The card with the lines that run the model elsewhere as it was run here.
import { choice, field, make } from './dom.js';
import { inOneFile } from './site.js';
import { origins, writeCode } from './code.js';

/** { element, show(run) }; run: what writeCode takes, but for the origin. */
export function codeCard() {
  let origin = inOneFile ? 'package' : 'folder';
  let run = null;
  const text = make('code');
  const scroll = make('pre', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Code' },
    text);
  const said = make('span', { class: 'hint', role: 'status' });
  const write = () => {
    text.textContent = writeCode({ ...run, origin });
    said.textContent = '';
  };
  const copy = make('button', { type: 'button', class: 'quiet', onclick: async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      said.textContent = 'Copied.';
    } catch {
      getSelection().selectAllChildren(text);
      said.textContent = 'The browser does not allow it. The text is selected: copy it by hand.';
    }
  } }, 'Copy as code');
  const element = make('details', { class: 'card code', hidden: true },
    make('summary', {}, 'Code that embeds this model with these settings'),
    field('Imports from', choice(origins, origin, (value) => {
      origin = value;
      write();
    })), scroll, make('div', { class: 'actions' }, copy, said));
  return { element,
    show(given) {
      run = given;
      element.hidden = false;
      write();
    } };
}
