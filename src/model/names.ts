// Which texts are names of labels and metrics. UTF-8 (the default): any well-formed text that is not empty. Legacy: the
// ASCII identifiers of Prometheus before 3.0, with colons in metric names only.

/** Which texts are valid names: any well-formed text, or ASCII identifiers. */
export type NameScheme = 'utf8' | 'legacy';

const LEGACY_LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const LEGACY_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** Whether a text may name a label. */
export const isValidLabelName = (name: string, scheme: NameScheme = 'utf8'): boolean =>
  scheme === 'legacy' ? LEGACY_LABEL.test(name) : name !== '' && name.isWellFormed();

/** Whether a text may name a metric. */
export const isValidMetricName = (name: string, scheme: NameScheme = 'utf8'): boolean =>
  scheme === 'legacy' ? LEGACY_METRIC.test(name) : name !== '' && name.isWellFormed();
