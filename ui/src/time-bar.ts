// Range, end, step and refresh of all panels.
import { fill, h } from './dom.ts';
import { duration, parseDuration, parseTimeText, timeText } from './format.ts';
import { preferences, setUtc, settings } from './settings.ts';
import { type PageState, stepOf } from './state.ts';

const RANGES = ['5m', '15m', '1h', '6h', '1d', '1w', '4w'];
const REFRESHES = [0, 5, 10, 30, 60, 300];

export interface TimeBar {
  readonly element: HTMLElement;
  /** Shows the state, after something else changed it. */
  update(): void;
}

/** `onChange` is called after each change that asks for new answers. */
export function createTimeBar(state: PageState, onChange: () => void, onRefreshChange: () => void): TimeBar {
  const rangeInput = input('Range', 'e.g. 1h30m', (text) => {
    const seconds = parseDuration(text);
    if (seconds === null || seconds <= 0) return false;
    state.rangeSeconds = seconds;
    return true;
  });
  const endInput = input('End', 'now', (text) => {
    const endMs = /^(|now)$/i.test(text.trim()) ? null : parseTimeText(text, settings.utc);
    if (endMs === null && !/^(|now)$/i.test(text.trim())) return false;
    state.endMs = endMs;
    return true;
  });
  const stepInput = input('Step', 'auto', (text) => {
    const isAuto = /^(|auto.*)$/i.test(text.trim());
    const seconds = isAuto ? null : parseDuration(text);
    if (!isAuto && (seconds === null || seconds <= 0)) return false;
    state.stepSeconds = seconds;
    return true;
  });
  const presets = h('span.presets');
  const refresh = h<HTMLSelectElement>(
    'select',
    {
      'aria-label': 'Refresh',
      onchange: () => {
        state.refreshSeconds = Number(refresh.value);
        onRefreshChange();
      },
    },
    ...REFRESHES.map((seconds) =>
      h('option', { value: seconds }, seconds === 0 ? 'off' : `every ${duration(seconds)}`),
    ),
  );
  const zone = h<HTMLSelectElement>(
    'select',
    { 'aria-label': 'Time zone', onchange: () => setUtc(zone.value === 'utc') },
    h('option', { value: 'local' }, 'local time'),
    h('option', { value: 'utc' }, 'UTC'),
  );
  const move = (direction: number): void => {
    const half = state.rangeSeconds * 500;
    const endMs = (state.endMs ?? Date.now()) + direction * half;
    state.endMs = endMs >= Date.now() ? null : endMs;
    changed();
  };
  const now = h('button.quiet', { onclick: () => set(null), title: 'Back to now' }, 'Now');

  function input(name: string, hint: string, take: (text: string) => boolean): HTMLInputElement {
    const field = h<HTMLInputElement>('input', {
      'aria-label': name,
      placeholder: hint,
      spellcheck: 'false',
      onchange: () => {
        const isTaken = take(field.value);
        field.classList.toggle('invalid', !isTaken);
        if (isTaken) changed();
      },
    });
    return field;
  }
  function set(endMs: number | null): void {
    state.endMs = endMs;
    changed();
  }
  function changed(): void {
    update();
    onChange();
  }
  function update(): void {
    rangeInput.value = duration(state.rangeSeconds);
    endInput.value = state.endMs === null ? '' : timeText(state.endMs, settings.utc);
    stepInput.value = state.stepSeconds === null ? '' : duration(state.stepSeconds);
    stepInput.placeholder = `auto: ${duration(stepOf(state))}`;
    if (!REFRESHES.includes(state.refreshSeconds)) {
      refresh.append(h('option', { value: state.refreshSeconds }, `every ${duration(state.refreshSeconds)}`));
    }
    refresh.value = String(state.refreshSeconds);
    zone.value = settings.utc ? 'utc' : 'local';
    now.hidden = state.endMs === null;
    for (const element of [rangeInput, endInput, stepInput]) element.classList.remove('invalid');
    const buttons = RANGES.map((text) => {
      const seconds = parseDuration(text) ?? 0;
      const choose = (): void => {
        state.rangeSeconds = seconds;
        changed();
      };
      return h('button', { 'aria-pressed': String(seconds === state.rangeSeconds), onclick: choose }, text);
    });
    fill(presets, ...buttons);
  }
  preferences.addEventListener('change', update);
  update();
  const field = (text: string, ...controls: HTMLElement[]): HTMLElement =>
    h('label.field', {}, h('span', {}, text), ...controls);
  const element = h(
    'div.time-bar',
    {},
    presets,
    field('Range', rangeInput),
    h(
      'div.field',
      {},
      h('span', {}, 'End'),
      h('button.quiet', { onclick: () => move(-1), title: 'Half a range back', 'aria-label': 'Earlier' }, '‹'),
      endInput,
      h('button.quiet', { onclick: () => move(1), title: 'Half a range on', 'aria-label': 'Later' }, '›'),
      now,
    ),
    field('Step', stepInput),
    field('Refresh', refresh),
    field('Zone', zone),
  );
  return { element, update };
}
