// Metric families as exposition text 0.0.4.

/** A family with its samples; a label value may be any text. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

/** A gauge without labels. */
export const gauge = (name: string, help: string, value: number): Family => ({
  name,
  help,
  type: 'gauge',
  samples: [{ labels: {}, value }],
});

const escapeValue = (text: string): string => text.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));

const numberText = (value: number): string =>
  Number.isFinite(value) || Number.isNaN(value) ? String(value) : value > 0 ? '+Inf' : '-Inf';

/** The families' text; those without samples are left out. */
export function renderFamilies(families: readonly Family[]): string {
  let text = '';
  for (const { name, help, type, samples } of families) {
    if (samples.length === 0) continue;
    text += `# HELP ${name} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}\n# TYPE ${name} ${type}\n`;
    for (const { labels, value } of samples) {
      const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escapeValue(value)}"`);
      text += `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${numberText(value)}\n`;
    }
  }
  return text;
}
