// The page: head with navigation, and one of its pages by path.
import { prefix } from './api.ts';
import { fill, h } from './dom.ts';
import { type Page, queryPage } from './query-page.ts';
import { applyTheme, setTheme, settings, type Theme } from './settings.ts';
import { statusPage } from './status-page.ts';
import { targetsPage } from './targets-page.ts';

/** An agent has nothing to be queried. */
const isAgent = document.documentElement.dataset.mode === 'agent';

const PAGES: Readonly<Record<string, { readonly name: string; readonly open: () => Page | Promise<Page> }>> = {
  ...(isAgent ? {} : { query: { name: 'Query', open: queryPage } }),
  targets: { name: 'Targets', open: targetsPage },
  status: { name: 'Status', open: statusPage },
};

/** Prometheus' addresses of what is a section of the status page here. */
const SECTIONS: Readonly<Record<string, string>> = { config: 'config', flags: 'flags', 'tsdb-status': 'storage' };

const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];
const navigation = h('nav', { 'aria-label': 'Pages' });
const content = h('div.content');
let page: Page | null = null;
let visit = 0;

const pageOf = (path: string): string => {
  const name = path.slice(prefix.length + 1);
  return Object.hasOwn(PAGES, name) ? name : Object.hasOwn(SECTIONS, name) ? 'status' : isAgent ? 'targets' : 'query';
};

function drawNavigation(current: string): void {
  const links = Object.entries(PAGES).map(([path, { name }]) =>
    h('a', { href: `${prefix}/${path}`, 'aria-current': path === current ? 'page' : null, onclick: followLink }, name),
  );
  fill(navigation, ...links);
}

function followLink(event: Event): void {
  const { ctrlKey, metaKey, shiftKey, button } = event as MouseEvent;
  if (ctrlKey || metaKey || shiftKey || button !== 0) return;
  event.preventDefault();
  const tenant = settings.tenant === '' ? '' : `?tenant=${encodeURIComponent(settings.tenant)}`;
  history.pushState(null, '', (event.currentTarget as HTMLAnchorElement).pathname + tenant);
  void open();
}

async function open(): Promise<void> {
  const mine = ++visit;
  const section = SECTIONS[location.pathname.slice(prefix.length + 1)];
  if (section) history.replaceState(null, '', `${prefix}/status#${section}`);
  const name = pageOf(location.pathname);
  drawNavigation(name);
  document.title = `${PAGES[name].name} · Tidemark`;
  const next = await PAGES[name].open();
  if (mine !== visit) {
    next.leave();
    return;
  }
  page?.leave();
  page = next;
  fill(content, next.element);
}

function header(): HTMLElement {
  const theme = h<HTMLSelectElement>(
    'select',
    { 'aria-label': 'Theme', onchange: () => setTheme(theme.value as Theme) },
    ...THEMES.map((name) => h('option', { value: name }, name === 'auto' ? 'system theme' : name)),
  );
  theme.value = settings.theme;
  const tenant = h<HTMLInputElement>('input.tenant', {
    'aria-label': 'Tenant',
    title: 'Tenant (X-Scope-OrgID)',
    placeholder: 'tenant: anonymous',
    spellcheck: 'false',
    onchange: () => {
      const address = new URL(location.href);
      if (tenant.value === '') address.searchParams.delete('tenant');
      else address.searchParams.set('tenant', tenant.value);
      location.assign(address);
    },
  });
  tenant.value = settings.tenant;
  const icon = h('img', { src: `${prefix}/assets/icon.svg`, alt: '', width: 22, height: 22 });
  const home = h('a.brand', { href: `${prefix}/query` }, icon, 'Tidemark');
  return h('header', {}, home, navigation, h('span.header-tools', {}, tenant, theme));
}

applyTheme();
fill(document.body, header(), content);
window.addEventListener('popstate', () => void open());
void open();
