// Drawing a list again under someone who uses it.
import { append } from './dom.ts';

const FOCUSABLE = 'a, button, input, summary';

/** The element with `data-key` around the focus, and the place of the focus among what can have it there. */
function focusIn(parent: Element): { key: string; index: number } | null {
  const active = document.activeElement;
  const holder = active && parent.contains(active) ? active.closest<HTMLElement>('[data-key]') : null;
  if (!active || !holder) return null;
  return { key: holder.dataset.key ?? '', index: [...holder.querySelectorAll(FOCUSABLE)].indexOf(active) };
}

/** Replaces all children. Of elements with a `data-key` the one that had the focus has it again. */
export function refill(parent: Element, children: readonly Node[]): void {
  const focus = focusIn(parent);
  parent.replaceChildren();
  append(parent, children);
  if (!focus) return;
  const holder = [...parent.querySelectorAll<HTMLElement>('[data-key]')].find(
    ({ dataset }) => dataset.key === focus.key,
  );
  holder?.querySelectorAll<HTMLElement>(FOCUSABLE)[focus.index]?.focus({ preventScroll: true });
}

/** Whether someone has marked text in an element: no moment to draw it again. */
export function isMarked(element: Element): boolean {
  const selection = getSelection();
  return selection !== null && !selection.isCollapsed && element.contains(selection.anchorNode);
}
