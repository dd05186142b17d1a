// The page: head with navigation, and one of its pages by path.
import { alertsPage } from './alerts-page.ts';
import { prefix } from './api.ts';
import { fill, h } from './dom.ts';
import { pageAddress, pageLink } from './links.ts';
import { type Page, queryPage } from './query-page.ts';
import { rulesPage } from './rules-page.ts';
import { applyTheme, isAgent, setTheme, settings, type Theme } from './settings.ts';
import { statusPage } from './status-page.ts';
import { targetsPage } from './targets-page.ts';

const PAGES: Readonly<Record<string, { readonly name: string; readonly open: () => Page | Promise<Page> }>> = {
  ...(isAgent
    ? {}
    : {
        query: { name: 'Query', open: queryPage },
        alerts: { name: 'Alerts', open: alertsPage },
        rules: { name: 'Rules', open: rulesPage },
      }),
  targets: { name: 'Targets', open: targetsPage },
  status: { name: 'Status', open: statusPage },
};
const FIRST = isAgent ? 'targets' : 'query';

/** Prometheus' addresses of what is elsewhere here. */
const MOVED: Readonly<Record<string, string>> = {
  config: 'status#config',
  flags: 'status#flags',
  'tsdb-status': 'status#storage',
  'alertmanager-discovery': 'status#alertmanagers',
  'service-discovery': 'targets',
};

const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];
const links = Object.entries(PAGES).map(([path, { name }]) => pageLink('a', path, {}, name));
const navigation = h('nav', { 'aria-label': 'Pages' }, ...links);
const content = h('div.content');
let page: Page | null = null;
let visit = 0;

/** The last part of the address' path. */
const pathName = (): string => location.pathname.slice(prefix.length + 1);

function showCurrent(current: string): void {
  Object.keys(PAGES).forEach((path, i) => {
    if (path === current) links[i].setAttribute('aria-current', 'page');
    else links[i].removeAttribute('aria-current');
  });
}

/** Links to our own pages are followed without loading the document again. */
function followLink(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[data-page]') : null;
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
  event.preventDefault();
  history.pushState(null, '', link.href);
  void open().then(() => scrollTo(0, 0));
}

async function open(): Promise<void> {
  const mine = ++visit;
  const moved = Object.hasOwn(MOVED, pathName()) ? MOVED[pathName()] : null;
  if (moved !== null) {
    const [path, section] = moved.split('#');
    history.replaceState(null, '', pageAddress(path) + (section === undefined ? '' : `#${section}`));
  }
  const name = Object.hasOwn(PAGES, pathName()) ? pathName() : FIRST;
  showCurrent(name);
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
  const home = pageLink('a.brand', FIRST, {}, icon, 'Tidemark');
  return h('header', {}, home, navigation, h('span.header-tools', {}, tenant, theme));
}

applyTheme();
fill(document.body, header(), content);
document.addEventListener('click', followLink);
window.addEventListener('popstate', () => void open());
void open();
