// Markdown and HTML of a program, as elements that run nothing.
const allowed = new Set(('a abbr b blockquote br caption center cite code col colgroup dd del '
  + 'details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark meter ol p pre '
  + 'progress q s samp section small span strike strong sub summary sup table tbody td tfoot th '
  + 'thead time tr u ul var wbr').split(' '));
const dropped = new Set(('script style gr-style template iframe object embed link meta base '
  + 'noscript title').split(' '));
const attributes = new Set(('align alt colspan rowspan dir height width href title start lang open '
  + 'value min max low high optimum datetime class id role scope').split(' '));
// Of a style attribute: what says how a text looks, nothing that moves it over other things.
const styles = new Set(('background-color border border-radius color display flex-direction '
  + 'font-family font-size font-style font-weight gap height justify-content align-items '
  + 'line-height margin margin-top margin-bottom margin-left margin-right max-width max-height '
  + 'min-width min-height opacity padding padding-top padding-bottom padding-left padding-right '
  + 'text-align text-decoration white-space width').split(' '));

function link(element, address) {
  if (!/^(https?:|mailto:|#)/i.test(address)) return;
  element.setAttribute('href', address);
  if (address.startsWith('#')) return;
  element.setAttribute('target', '_blank');
  element.setAttribute('rel', 'noopener noreferrer');
}

// Reads "name: value; ..." without setting it as an attribute, which a strict policy forbids.
function dress(element, text) {
  for (const part of text.split(';')) {
    const at = part.indexOf(':');
    const name = part.slice(0, at).trim().toLowerCase();
    const value = part.slice(at + 1).trim();
    if (at > 0 && styles.has(name) && !/url|expression|image-set|\\/i.test(value)) {
      element.style.setProperty(name, value.replace(/!important/i, ''));
    }
  }
}

function copyInto(target, source) {
  for (const node of source.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) target.append(node.data);
    if (node.nodeType !== Node.ELEMENT_NODE) continue;
    const name = node.localName;
    if (dropped.has(name)) continue;
    if (!allowed.has(name)) {
      copyInto(target, node);
      continue;
    }
    const element = document.createElement(name);
    for (const { name: key, value } of node.attributes) {
      if (key === 'href') link(element, value.trim());
      else if (key === 'style' || key === 'data-gr-style') dress(element, value);
      else if (key === 'src' && /^data:image\/(png|jpeg|gif|webp);/i.test(value)) {
        element.setAttribute('src', value);
      } else if (key === 'id') element.setAttribute('id', `user-${value}`);
      else if (attributes.has(key)) element.setAttribute(key, value);
    }
    if (name === 'img' && !element.hasAttribute('src')) {
      target.append(`[${element.getAttribute('alt') || 'picture'}]`);
      continue;
    }
    copyInto(element, node);
    target.append(element);
  }
}

// A strict policy complains of styles and handlers in what is parsed, though none of it comes into
// the page: they get other names first. What copyInto leaves out does not depend on it.
const quieted = (text) => text.replace(/<(\/?)style\b/gi, '<$1gr-style')
  .replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/([\s/"'])(style|on\w+)(?=\s*=)/gi,
    '$1data-gr-$2'));

/** HTML as a fragment: elements and attributes of a list, and nothing that runs or fetches. */
export function fromHtml(text) {
  const fragment = document.createDocumentFragment();
  copyInto(fragment, new DOMParser().parseFromString(quieted(text), 'text/html').body);
  return fragment;
}

const escaped = (text) => text.replace(/[&<>"]/g, (sign) =>
  ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]);

// What lies within a line. Code is taken out first: nothing in it means anything.
function inline(text) {
  const kept = [];
  const keep = (html) => `\u0000${kept.push(html) - 1}\u0000`;
  const marked = text.replaceAll('\u0000', '')
    .replace(/(`+)([^`]|[^`][^]*?[^`])\1(?!`)/g, (_, ticks, code) =>
      keep(`<code>${escaped(code.trim())}</code>`))
    .replace(/\\([\\`*_{}[\]()#+.!|~>-])/g, (_, sign) => keep(escaped(sign)))
    .replace(/!\[([^\]]*)\]\(([^\s)]+)[^)]*\)/g, (_, alt, address) =>
      keep(`<img alt="${escaped(alt)}" src="${escaped(address)}">`))
    .replace(/\[([^\]]+)\]\(([^\s)]+)(?:\s+"[^"]*")?\)/g, (_, label, address) =>
      `${keep(`<a href="${escaped(address)}">`)}${label}${keep('</a>')}`)
    .replace(/<(https?:\/\/[^\s>]+)>/g, (_, address) =>
      keep(`<a href="${escaped(address)}">${escaped(address)}</a>`))
    .replace(/(^|[\s(])(https?:\/\/[^\s<>)]*[^\s<>).,;:!?])/g, (_, before, address) =>
      `${before}${keep(`<a href="${escaped(address)}">${escaped(address)}</a>`)}`)
    .replace(/(\*\*|__)(?=\S)([^]*?\S)\1/g, '<strong>$2</strong>')
    .replace(/\*(?=[^\s*])([^*]*[^\s*])\*/g, '<em>$1</em>')
    .replace(/(^|[^\w])_(?=[^\s_])([^_]*[^\s_])_(?!\w)/g, '$1<em>$2</em>')
    .replace(/~~(?=\S)([^]*?\S)~~/g, '<del>$1</del>')
    .replace(/ {2,}\n/g, '<br>');
  let whole = marked;
  while (whole.includes('\u0000')) {
    whole = whole.replace(/\u0000(\d+)\u0000/g, (_, i) => kept[i]);
  }
  return whole;
}

const item = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/;
const cells = (line) => line.trim().replace(/^\||\|$/g, '').split('|').map((cell) => cell.trim());

function table(lines) {
  const align = cells(lines[1]).map((rule) => (/^:.*:$/.test(rule) ? 'center'
    : rule.endsWith(':') ? 'right' : 'left'));
  const row = (line, tag) => `<tr>${cells(line).map((cell, i) =>
    `<${tag} align="${align[i] ?? 'left'}">${inline(cell)}</${tag}>`).join('')}</tr>`;
  return `<table><thead>${row(lines[0], 'th')}</thead><tbody>${lines.slice(2).map((line) =>
    row(line, 'td')).join('')}</tbody></table>`;
}

// The lines of a list: those that are deeper belong to the item above them.
function list(lines) {
  const [, indent, sign] = item.exec(lines[0]);
  const items = [];
  for (const line of lines) {
    const found = item.exec(line);
    if (found && found[1].length <= indent.length) items.push([found[3]]);
    else items.at(-1).push(line.slice(Math.min(line.search(/\S|$/), indent.length + 2)));
  }
  const tag = /\d/.test(sign) ? 'ol' : 'ul';
  const start = tag === 'ol' && parseInt(sign, 10) !== 1 ? ` start="${parseInt(sign, 10)}"` : '';
  return `<${tag}${start}>${items.map(([first, ...rest]) => `<li>${inline(first)}${rest.length
    ? blocks(rest.join('\n')) : ''}</li>`).join('')}</${tag}>`;
}

const kinds = [
  // [how the first line looks, how many lines belong to it, what becomes of them]
  [/^ {0,3}(```|~~~)/, (lines) => {
    const fence = lines[0].trim().slice(0, 3);
    const end = lines.findIndex((line, i) => i > 0 && line.trim().startsWith(fence));
    return end < 0 ? lines.length : end + 1;
  }, (lines) => `<pre><code>${escaped(lines.slice(1, /^\s*(```|~~~)\s*$/.test(lines.at(-1))
    && lines.length > 1 ? -1 : undefined).join('\n'))}</code></pre>`],
  [/^ {0,3}#{1,6}\s/, () => 1, ([line]) => {
    const [, signs, text] = /^\s*(#+)\s+(.*?)\s*#*\s*$/.exec(line);
    return `<h${signs.length}>${inline(text)}</h${signs.length}>`;
  }],
  [/^ {0,3}([-*_])(\s*\1){2,}\s*$/, () => 1, () => '<hr>'],
  [/^ {0,3}>/, (lines) => until(lines, (line) => !/^ {0,3}>/.test(line)), (lines) =>
    `<blockquote>${blocks(lines.map((line) => line.replace(/^ {0,3}> ?/, '')).join('\n'))}`
    + '</blockquote>'],
  [item, (lines) => until(lines, (line, i) => (!item.test(line) && !/^\s{2,}\S/.test(line)
    && line.trim() !== '') || (line.trim() === '' && !/^\s{2,}\S/.test(lines[i + 1] ?? '')
    && !item.test(lines[i + 1] ?? ''))), (lines) => list(lines)],
  [/^ {0,3}<\/?[a-z][^]*$/i, (lines) => until(lines, (line) => line.trim() === ''),
    (lines) => lines.join('\n')],
];

function until(lines, stops) {
  const end = lines.findIndex((line, i) => i > 0 && stops(line, i));
  return end < 0 ? lines.length : end;
}

const isTable = (lines) => lines.length > 1 && lines[0].includes('|')
  && /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[1]) && lines[1].includes('-');

function blocks(text, breaks = false) {
  let lines = text.replace(/\r\n?/g, '\n').split('\n');
  let html = '';
  while (lines.length) {
    if (lines[0].trim() === '') {
      lines.shift();
      continue;
    }
    const kind = kinds.find(([start]) => start.test(lines[0]));
    let count;
    if (isTable(lines)) {
      count = until(lines, (line) => !line.includes('|'));
      html += table(lines.slice(0, count));
    } else if (kind) {
      count = kind[1](lines);
      html += kind[2](lines.slice(0, count));
    } else {
      count = until(lines, (line, i) => line.trim() === '' || isTable(lines.slice(i))
        || kinds.slice(0, 5).some(([start]) => start.test(line)));
      const inside = inline(lines.slice(0, count).join('\n'));
      html += `<p>${breaks ? inside.replaceAll('\n', '<br>') : inside}</p>`;
    }
    lines = lines.slice(count);
  }
  return html;
}

/** Markdown as a fragment, by the rules of fromHtml. breaks: each line's end is one. */
export const fromMarkdown = (text, breaks) => fromHtml(blocks(text, breaks));
