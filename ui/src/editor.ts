// The PromQL editor: Prometheus' own language support with completion from this server. It lives in a shadow root, where
// CodeMirror adopts style sheets instead of adding style elements, which the page's content security policy forbids.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, syntaxHighlighting } from '@codemirror/language';
import { lintKeymap, setDiagnostics } from '@codemirror/lint';
import { EditorState, Prec } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import { apiFetch, prefix } from './api.ts';
import { promqlColors } from './promql-colors.ts';

const theme = EditorView.theme({
  '&': { fontSize: '13.5px', color: 'var(--text)', backgroundColor: 'transparent' },
  '&.cm-focused': { outline: 'none' },
  '.cm-content': { fontFamily: 'var(--mono)', padding: '8px 0', caretColor: 'var(--text)' },
  '.cm-line': { padding: '0 10px' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    backgroundColor: 'var(--selection)',
  },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--selection)', outline: 'none' },
  '.cm-placeholder': { color: 'var(--muted)' },
  '.cm-tooltip': {
    backgroundColor: 'var(--raised)',
    border: '1px solid var(--line)',
    borderRadius: '6px',
    boxShadow: 'var(--shadow)',
    color: 'var(--text)',
    overflow: 'hidden',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', fontSize: '12.5px', maxHeight: '300px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 10px' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--selection)', color: 'var(--text)' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700', color: 'var(--accent)' },
  '.cm-completionDetail': { color: 'var(--muted)', fontStyle: 'normal', marginLeft: '1.2em' },
  '.cm-completionIcon': { display: 'none' },
  '.cm-completionInfo': { padding: '6px 10px', fontSize: '12.5px', maxWidth: '360px' },
  '.cm-diagnostic': { fontFamily: 'var(--mono)', fontSize: '12.5px', padding: '6px 10px' },
});

export interface Editor {
  readonly element: HTMLElement;
  text(): string;
  setText(text: string): void;
  focus(): void;
  /** Underlines a place (0-based, UTF-16 units), or nothing. */
  mark(place: { from: number; message: string } | null): void;
  destroy(): void;
}

/** One client for all editors would be one cache; each has its own, which is cheap: it fetches on first completion. */
function promql(): PromQLExtension {
  return new PromQLExtension().setComplete({
    remote: { url: '', apiPrefix: `${prefix}/api/v1`, fetchFn: apiFetch },
    maxMetricsMetadata: 10_000,
  });
}

/** An editor that runs on Enter; Shift-Enter breaks the line. */
export function createEditor(text: string, onRun: () => void): Editor {
  const element = document.createElement('div');
  element.className = 'editor';
  const root = element.attachShadow({ mode: 'open' });
  const language = promql();
  const run = (): boolean => {
    onRun();
    return true;
  };
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        history(),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ icons: false }),
        EditorView.lineWrapping,
        placeholder('PromQL expression: Enter runs it, Shift+Enter breaks the line, Ctrl+Space completes'),
        EditorView.contentAttributes.of({ 'aria-label': 'PromQL expression' }),
        syntaxHighlighting(promqlColors),
        theme,
        language.asExtension(),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
        // Below the completion's own Enter, above the default one.
        Prec.high(
          keymap.of([
            { key: 'Enter', run },
            { key: 'Mod-Enter', run },
          ]),
        ),
      ],
    }),
  });
  return {
    element,
    text: () => view.state.doc.toString(),
    setText: (value) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: value } }),
    focus: () => view.focus(),
    mark: (place) => {
      const end = view.state.doc.length;
      const from = Math.min(place?.from ?? 0, Math.max(0, end - 1));
      const diagnostics = place
        ? [{ from, to: Math.min(from + 1, end), severity: 'error' as const, message: place.message }]
        : [];
      view.dispatch(setDiagnostics(view.state, diagnostics));
    },
    destroy: () => {
      language.destroy();
      view.destroy();
    },
  };
}
