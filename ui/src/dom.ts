// Elements by function call, and nothing that is not needed here.

type Child = Node | string | number | null | undefined | false;
type Attributes = Record<string, string | number | boolean | ((event: Event) => void) | null | undefined>;

/** `tag.class.class` with attributes; functions are listeners (`onclick`), true is an empty attribute, null and false none. */
export function h<T extends HTMLElement = HTMLElement>(
  selector: string,
  attributes: Attributes = {},
  ...children: Child[]
): T {
  const [tag, ...classes] = selector.split('.');
  const element = document.createElement(tag || 'div') as T;
  if (classes.length > 0) element.className = classes.join(' ');
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  append(element, children);
  return element;
}

/** Appends what is not null or false. */
export function append(parent: Node, children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Replaces all children. */
export function fill(parent: Element, ...children: Child[]): void {
  parent.replaceChildren();
  append(parent, children);
}

/** A table with a head; cells are texts or nodes. */
export function table(className: string, head: readonly string[], rows: readonly (readonly Child[])[]): HTMLElement {
  return h(
    `table.${className}`,
    {},
    h('thead', {}, h('tr', {}, ...head.map((text) => h('th', {}, text)))),
    h('tbody', {}, ...rows.map((cells) => h('tr', {}, ...cells.map((cell) => h('td', {}, cell))))),
  );
}
