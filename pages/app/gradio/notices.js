// Messages over the page, and how far calls are.
import { button, make } from './dom.js';

/** A place for messages; say({ level, title, message, traceback, duration }) shows one. */
export function notices() {
  const element = make('div', { class: 'gr-notices', role: 'region', 'aria-label': 'Messages' });
  const say = ({ level, title, message, traceback, duration }) => {
    const notice = make('div', { class: `gr-notice gr-${level}`,
      role: level === 'error' || level === 'warning' ? 'alert' : 'status' },
    make('div', { class: 'gr-notice-head' }, make('strong', {}, title),
      button('Close', () => notice.remove(), { class: 'quiet gr-small' })),
    make('p', {}, message), traceback && make('details', {}, make('summary', {}, 'Traceback'),
      make('pre', { tabindex: 0 }, traceback)));
    element.append(notice);
    if (duration !== null && duration !== undefined && !traceback) {
      setTimeout(() => notice.remove(), duration * 1000);
    }
  };
  return { element, say };
}

/** How far a call is, over the outputs it will fill. */
export function meter(kind) {
  const bar = make('progress', { 'aria-label': 'Progress', max: 1 });
  const said = make('span', {}, 'Running…');
  const element = make('div', { class: `gr-meter ${kind === 'minimal' ? 'gr-minimal' : ''}`,
    role: 'status' }, said, bar);
  const start = performance.now();
  let words = 'Running…';
  const tick = () => {
    const seconds = (performance.now() - start) / 1000;
    said.textContent = seconds < 1 ? words : `${words} ${seconds.toFixed(0)} s`;
  };
  const timer = setInterval(tick, 1000);
  return { element,
    tell: ({ value, index, total, unit, desc }) => {
      if (value === null || value === undefined) bar.removeAttribute('value');
      else bar.value = value;
      const count = index !== null && index !== undefined
        ? ` ${index}${total ? `/${total}` : ''} ${unit}` : '';
      words = `${desc ?? 'Running'}${count}${value === null || value === undefined ? '…'
        : `, ${Math.round(100 * value)} %`}`;
      tick();
    },
    end: () => {
      clearInterval(timer);
      element.remove();
    } };
}
