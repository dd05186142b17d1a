// The colours of PromQL, in the editor and in expressions that are only read.
import { HighlightStyle } from '@codemirror/language';
import { highlightTree, tags } from '@lezer/highlight';
import { LanguageType, promQLLanguage } from '@prometheus-io/codemirror-promql';

export const promqlColors = HighlightStyle.define([
  { tag: tags.number, color: 'var(--syntax-number)' },
  { tag: tags.string, color: 'var(--syntax-string)' },
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: 'var(--syntax-keyword)', fontWeight: '600' },
  { tag: tags.function(tags.variableName), color: 'var(--syntax-function)' },
  { tag: [tags.operator, tags.punctuation, tags.bracket], color: 'var(--muted)' },
  { tag: tags.labelName, color: 'var(--syntax-label)' },
  { tag: tags.comment, color: 'var(--muted)', fontStyle: 'italic' },
  { tag: tags.invalid, color: 'var(--bad)' },
]);

const { parser } = promQLLanguage(LanguageType.PromQL);
let hasStyles = false;

/** An adopted style sheet: style elements are forbidden by the page's content security policy. */
function adoptStyles(): void {
  if (hasStyles || !promqlColors.module) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(promqlColors.module.getRules());
  document.adoptedStyleSheets.push(sheet);
  hasStyles = true;
}

/** An expression as nodes, coloured. */
export function colouredPromql(expression: string): DocumentFragment {
  adoptStyles();
  const fragment = document.createDocumentFragment();
  let end = 0;
  highlightTree(parser.parse(expression), promqlColors, (from, to, classes) => {
    const token = document.createElement('span');
    token.className = classes;
    token.textContent = expression.slice(from, to);
    fragment.append(expression.slice(end, from), token);
    end = to;
  });
  fragment.append(expression.slice(end));
  return fragment;
}
