// <gradio-lite> in a page that is one file: `ashore app PAGE.html --one-file` has read its program.
import { define } from './gradio/lite_element.js';
import { openOf, read, readJSON } from './open_inside.js';

const isProgram = /^python\/app-(\d+)\.zip$/;
let all = null;
let text = null;

async function open(number) {
  all ??= readJSON('app.json');
  const { programs } = await all;
  const { worker, boot } = await openOf(programs[number], (path) =>
    !isProgram.test(path) || isProgram.exec(path)[1] === number);
  for (const file of boot.files) {
    if (isProgram.test(file.path)) file.path = 'python/app.zip';
  }
  return { worker, boot };
}

define({ open, read: (element) => element.dataset.program, styles: () => {
  text ??= read('lite.css').then((bytes) => new TextDecoder().decode(bytes));
  return text;
} });
