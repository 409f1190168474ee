// What a page must not have, looked for in the page itself.

/** Contrast by WCAG 2.2 of every text with what lies behind it, controls without a name or too small
 *  for a finger, and how far the page is wider than its window: for page.evaluate. */
export function faults() {
  const parse = (text) => {
    const context = document.createElement('canvas').getContext('2d');
    context.fillStyle = text;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (rgb) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
    const c = rgb[i] / 255;
    return sum + weight * (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  }, 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const texts = [...document.querySelectorAll('body *')].filter((element) =>
    element.checkVisibility()
    && !element.matches(':disabled, option')
      && [...element.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
  const pale = texts.map((element) => {
    const [a, b] = [luminance(parse(getComputedStyle(element).color)), luminance(behind(element))];
    return [element.textContent.slice(0, 40), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
  }).filter(([, ratio]) => ratio < 4.5);
  const unnamed = [...document.querySelectorAll(
    'input, select, textarea, button, canvas, svg, progress')]
    .filter((element) => element.checkVisibility() && element.getAttribute('aria-hidden') !== 'true'
      && !(element.textContent.trim() || element.getAttribute('aria-label')
        || element.labels?.length));
  const small = [...document.querySelectorAll('button, select, summary, textarea, label.button, '
    + 'input:not([type=file], [type=checkbox])')].filter((element) => element.checkVisibility()
    // CSS pixels, for a finger, which hits a label as well
    && (element.closest('label') ?? element).getBoundingClientRect().height < 44);
  return { pale, small: small.map(({ outerHTML }) => outerHTML.slice(0, 80)), unnamed: unnamed.map(({ outerHTML }) => outerHTML.slice(0, 80)),
    over: document.documentElement.scrollWidth - innerWidth, texts: texts.length };
}
