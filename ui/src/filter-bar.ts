// What is shown of a list: one state of several, and words to be found. Both are kept in the address, so that a link shows
// the same.
import { h } from './dom.ts';

export interface FilterBarOptions {
  /** The address' parameter of the state. */
  readonly parameter: string;
  readonly states: readonly string[];
  /** Offered only while something is in them. */
  readonly rareStates?: readonly string[];
  /** What can be searched for. */
  readonly hint: string;
  readonly onChange: () => void;
}

export interface FilterBar {
  readonly tools: readonly HTMLElement[];
  /** `text`: what the words are looked for in; not asked for without words. */
  isShown(state: string, text: () => string): boolean;
  /** Says how many there are of each state. */
  count(states: readonly string[]): void;
}

const ALL = 'all';

/** Builds the bar for the present address. */
export function createFilterBar(options: FilterBarOptions): FilterBar {
  const { parameter, states, rareStates = [], hint, onChange } = options;
  const names = [ALL, ...states, ...rareStates];
  const asked = new URLSearchParams(location.search);
  let chosen = names.find((name) => name === asked.get(parameter)) ?? ALL;

  const search = h<HTMLInputElement>('input.search', {
    type: 'search',
    placeholder: hint,
    'aria-label': 'Filter',
    spellcheck: 'false',
    value: asked.get('search') ?? '',
    oninput: () => changed(),
  });
  // The buttons stay the same for as long as the page: one that was pressed keeps the focus.
  const buttons = names.map((name) => {
    const choose = (): void => {
      chosen = name;
      changed();
    };
    return h('button', { onclick: choose }, name);
  });
  const counts = new Map<string, number>();

  function remember(): void {
    const address = new URL(location.href);
    const set = (name: string, value: string): void =>
      value === '' ? address.searchParams.delete(name) : address.searchParams.set(name, value);
    set(parameter, chosen === ALL ? '' : chosen);
    set('search', search.value);
    history.replaceState(null, '', address);
  }
  function update(): void {
    buttons.forEach((button, i) => {
      const name = names[i];
      button.textContent = counts.size === 0 ? name : `${name} ${counts.get(name) ?? 0}`;
      button.setAttribute('aria-pressed', String(name === chosen));
      button.hidden = rareStates.includes(name) && name !== chosen && !counts.has(name);
    });
  }
  function changed(): void {
    remember();
    update();
    onChange();
  }
  update();
  return {
    tools: [h('span.presets', { role: 'group', 'aria-label': 'State' }, ...buttons), search],
    isShown: (state, text) => {
      const words = search.value.trim().toLowerCase();
      return (chosen === ALL || state === chosen) && (words === '' || text().toLowerCase().includes(words));
    },
    count: (found) => {
      counts.clear();
      counts.set(ALL, found.length);
      for (const state of found) counts.set(state, (counts.get(state) ?? 0) + 1);
      update();
    },
  };
}
