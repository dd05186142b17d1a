// Results of unit tests as JUnit XML, as promtool writes it.

/** One test file. */
export interface JunitSuite {
  readonly name: string;
  readonly startedMs: number;
  readonly cases: {
    readonly name: string;
    readonly failures: readonly string[];
    /** What kept the file from being run. */
    readonly error: string | null;
  }[];
}

const ESCAPES: Record<string, string> = {
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
};

const escaped = (text: string): string =>
  text
    .replace(/["'&<>\t\n\r]/g, (char) => ESCAPES[char])
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '\ufffd');

function suiteXml({ name, startedMs, cases }: JunitSuite): string {
  const failures = cases.reduce((sum, one) => sum + (one.failures.length > 0 ? 1 : 0), 0);
  const errors = cases.filter(({ error }) => error !== null).length;
  const time = errors > 0 ? '' : new Date(startedMs).toISOString().slice(0, 19);
  const items = cases.map(({ name: label, failures: texts, error }) => {
    const inner = texts.map((text) => `<failure>${escaped(text)}</failure>`).join('');
    const broken = error === null ? '' : `<error>${escaped(error)}</error>`;
    return `<testcase name="${escaped(label)}">${inner}${broken}</testcase>`;
  });
  const counts = `tests="${cases.length}" failures="${failures}" errors="${errors}" skipped="0"`;
  return `<testsuite name="${escaped(name)}" ${counts} timestamp="${time}">${items.join('')}</testsuite>`;
}

/** The whole report. */
export const junitXml = (suites: readonly JunitSuite[]): string =>
  `<testsuites>${suites.map(suiteXml).join('')}</testsuites>`;
