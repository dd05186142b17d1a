// What the user prefers, kept in the browser: theme, time zone. The tenant comes with the address, so that a link shows the
// same to others.

export type Theme = 'auto' | 'light' | 'dark';

function stored(name: string): string {
  try {
    return localStorage.getItem(`tidemark.${name}`) ?? '';
  } catch {
    return ''; // Storage may be forbidden; then each visit begins with the defaults.
  }
}

function store(name: string, value: string): void {
  try {
    localStorage.setItem(`tidemark.${name}`, value);
  } catch {
    // As above.
  }
}

const themeOf = (text: string): Theme => (text === 'light' || text === 'dark' ? text : 'auto');

/** An agent has nothing to be queried: no store, no rules. */
export const isAgent = document.documentElement.dataset.mode === 'agent';

export const settings = {
  theme: themeOf(stored('theme')),
  utc: stored('utc') === 'true',
  tenant: new URLSearchParams(location.search).get('tenant') ?? '',
};

const darkMedia = matchMedia('(prefers-color-scheme: dark)');

export const isDark = (): boolean => (settings.theme === 'auto' ? darkMedia.matches : settings.theme === 'dark');

/** Fires `change` when colours or the time zone change. */
export const preferences = new EventTarget();

export function applyTheme(): void {
  document.documentElement.dataset.theme = isDark() ? 'dark' : 'light';
  preferences.dispatchEvent(new Event('change'));
}

export function setTheme(theme: Theme): void {
  settings.theme = theme;
  store('theme', theme);
  applyTheme();
}

export function setUtc(utc: boolean): void {
  settings.utc = utc;
  store('utc', String(utc));
  preferences.dispatchEvent(new Event('change'));
}

darkMedia.addEventListener('change', applyTheme);
