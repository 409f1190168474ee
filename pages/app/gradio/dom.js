// Parts of a page.
let last = 0;
/** A name for an element that another one refers to. */
export const newId = (stem) => `gr-${stem}-${++last}`;

/** make('p', { class: 'a', onclick: f }, 'text', child): attributes that are false are left out. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === undefined || value === null) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child || child === ''));
  return element;
}

/** A button that does not send a form. */
export const button = (label, onclick, attributes = {}) =>
  make('button', { type: 'button', onclick, ...attributes }, label);

/** Saves a file ({ name, type, bytes }). */
export function save({ name, type, bytes }) {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  const link = make('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

/** A file that the user chose, as it travels: { name, type, bytes }. */
export const carried = async (file) => ({ name: file.name, type: file.type,
  bytes: new Uint8Array(await file.arrayBuffer()) });

/** Bytes in words. */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A button that opens files: onfiles gets a list of them. */
export function fileButton(label, { accept, multiple, directory, disabled, className }, onfiles) {
  const id = newId('file');
  const control = make('input', { type: 'file', class: 'gr-file', id, accept, multiple, disabled,
    webkitdirectory: directory, onchange: () => {
      const files = [...control.files];
      control.value = '';
      if (files.length) onfiles(files);
    } });
  return make('span', { class: 'gr-choose' }, control,
    make('label', { class: `button ${className ?? ''}`, for: id }, label));
}

/** Lets an element take files: those dropped on it ("upload"), and pasted into it ("clipboard"). */
export function takeFiles(element, onfiles, sources) {
  element.addEventListener('dragover', (event) => {
    event.preventDefault();
    element.classList.add('over');
  });
  element.addEventListener('dragleave', () => element.classList.remove('over'));
  element.addEventListener('drop', (event) => {
    event.preventDefault();
    element.classList.remove('over');
    const files = [...event.dataTransfer.files];
    if (files.length && sources.includes('upload')) onfiles(files);
  });
  element.addEventListener('paste', (event) => {
    const files = [...event.clipboardData?.files ?? []];
    if (files.length && sources.includes('clipboard')) onfiles(files);
  });
}

/** A length of Python's: a number is in CSS pixels. */
export const length = (value) => (typeof value === 'number' ? `${value}px` : value);

/** A button that copies text. */
export function copyButton(text, oncopy) {
  const element = button('Copy', async () => {
    try {
      await navigator.clipboard.writeText(text());
      element.textContent = 'Copied';
      oncopy?.(text());
    } catch {
      element.textContent = 'Copying is not allowed here';
    }
    setTimeout(() => { element.textContent = 'Copy'; }, 2000);
  }, { class: 'quiet gr-small' });
  return element;
}
