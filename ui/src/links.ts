// Addresses. Links to our own pages carry the tenant, and main.ts follows them without loading the document again.
import { prefix } from './api.ts';
import { h } from './dom.ts';
import { settings } from './settings.ts';

type Parameters = Readonly<Record<string, string>>;

/** The address of a page. */
export function pageAddress(path: string, parameters: Parameters = {}): string {
  const query = new URLSearchParams(parameters);
  if (settings.tenant !== '') query.set('tenant', settings.tenant);
  return `${prefix}/${path}${query.size > 0 ? `?${query}` : ''}`;
}

/** A link to a page; `selector` begins with `a`. */
export const pageLink = (
  selector: string,
  path: string,
  parameters: Parameters,
  ...children: (Node | string)[]
): HTMLElement => h(selector, { href: pageAddress(path, parameters), 'data-page': true }, ...children);

/** A link to somewhere else. Texts come from data: what is not an address of the web stays text, so that no script hides in it. */
export function outsideLink(text: string, address = text): Node {
  if (!/^https?:\/\/\S+$/i.test(address) || !URL.canParse(address)) return document.createTextNode(text);
  return h('a', { href: address, rel: 'noreferrer', target: '_blank' }, text);
}
