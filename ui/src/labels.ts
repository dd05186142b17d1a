// Sets of names and values: labels as chips, annotations as lines.
import { h } from './dom.ts';
import { outsideLink } from './links.ts';

export type LabelSet = Readonly<Record<string, string>>;

const labelTexts = (labels: LabelSet): string[] => Object.entries(labels).map(([name, value]) => `${name}="${value}"`);

/** As the chips show them, to be searched in. */
export const labelsText = (labels: LabelSet): string => labelTexts(labels).join(' ');

/** One chip per label. */
export const labelChips = (labels: LabelSet): HTMLElement =>
  h('span.chips', {}, ...labelTexts(labels).map((text) => h('span.chip', {}, text)));

/** One line per annotation; addresses are links. */
export const annotationLines = (annotations: LabelSet): HTMLElement =>
  h(
    'div.annotations',
    {},
    ...Object.entries(annotations).map(([name, value]) =>
      h('div.annotation', {}, h('span.annotation-name', {}, name), h('span', {}, outsideLink(value))),
    ),
  );
