// The program that the tags in a <gradio-lite> are.

function dedented(text) {
  const lines = text.split('\n');
  const indents = lines.filter((line) => line.trim()).map((line) => line.search(/\S/));
  return `${lines.map((line) => line.slice(Math.min(...indents))).join('\n').trim()}\n`;
}

const encoded = (name, text) => new TextEncoder().encode(name.endsWith('.py') ? dedented(text)
  : text);

async function contentOf(element, name) {
  const address = element.getAttribute('url');
  if (address === null) return encoded(name, element.textContent);
  const response = await fetch(new URL(address, document.baseURI)).catch(() => null);
  if (response?.ok) return new Uint8Array(await response.arrayBuffer());
  throw new Error(`The file ${name} cannot be loaded from ${address}.`);
}

/** What the tags of an element say: { entry, sources, requirements }. */
export async function programOf(element) {
  const code = element.querySelector('gradio-code');
  const alone = [...element.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE)
    .map(({ data }) => data).join('');
  const requirements = [...element.querySelectorAll('gradio-requirements')]
    .flatMap(({ textContent }) => textContent.split('\n'))
    .map((line) => line.replace(/#.*/, '').trim()).filter(Boolean);
  const sources = {};
  let entry;
  for (const file of [...element.querySelectorAll('gradio-file')]) {
    const name = file.getAttribute('name');
    if (!name || /^[/\\]|(^|[/\\])\.\.([/\\]|$)/.test(name)) {
      throw new Error(`A gradio-file has the name "${name ?? ''}"; it takes one like "app.py".`);
    }
    sources[name] = await contentOf(file, name);
    if (file.hasAttribute('entrypoint')) entry = name;
  }
  if (!entry && (code || alone.trim())) {
    entry = 'app.py';
    sources[entry] = encoded(entry, code ? code.textContent : alone);
  }
  if (!entry) {
    throw new Error('There is no program: give one gradio-file the attribute entrypoint, or write '
      + 'the program into gradio-code.');
  }
  return { entry, sources, requirements };
}
