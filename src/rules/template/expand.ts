// Expansion of alert templates. Execution is synchronous, queries are not: a query whose answer is not there yet ends the
// execution, is asked, and the template runs again from its beginning with the answer at hand. Templates have no effects, so the
// last run is as if it had been the only one.
import { TidemarkError, errorText } from '../../base/index.ts';
import type { Labels, NativeHistogram } from '../../model/index.ts';
import { executeTemplate } from './execute.ts';
import { BUILTIN_FUNCTIONS, type TemplateFunctions } from './functions.ts';
import type { TemplateSet } from './nodes.ts';
import { parseTemplateText } from './parser.ts';
import { prometheusFunctions } from './prometheus-functions.ts';
import { FunctionError, templateError } from './template-error.ts';
import { AlertData, GoMap, QuerySample, QuerySamples } from './values.ts';

/** Beside a template's own text, every alert template begins with these. */
const DEFINITIONS =
  '{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}';
/** Different queries of one expansion. */
const QUERIES_MAX = 1000;

/** Floats of an instant query: what templates see of an answer. */
export type TemplateQuery = (expression: string) => Promise<readonly { labels: Labels; value: number }[]>;

/** What all templates of a rule are expanded with, at one time. */
export interface ExpansionSettings {
  readonly timeMs: number;
  readonly externalLabels: Readonly<Record<string, string>>;
  readonly externalUrl: string;
  readonly query: TemplateQuery;
}

type Answers = Map<string, QuerySamples | FunctionError>;

/** The functions of all templates of one evaluation; made once for all of its alerts. */
export class ExpansionWorld {
  readonly #settings: ExpansionSettings;
  readonly #functions: TemplateFunctions;
  readonly #externalLabels: GoMap;
  /** Of the expansion that runs. */
  #answers: Answers = new Map();

  constructor(settings: ExpansionSettings) {
    const { timeMs, externalUrl, externalLabels } = settings;
    this.#settings = settings;
    this.#externalLabels = new GoMap('string', Object.entries(externalLabels));
    const query = (expression: string): QuerySamples => {
      const answer = this.#answers.get(expression);
      if (answer === undefined) throw new NeedsQuery(expression);
      if (answer instanceof FunctionError) throw answer;
      return answer;
    };
    this.#functions = new Map([...BUILTIN_FUNCTIONS, ...prometheusFunctions({ timeMs, externalUrl, query })]);
  }

  /** Executes a template, again and again until all answers that it asks for are there. */
  async execute(set: TemplateSet, labels: Labels, value: number | NativeHistogram): Promise<string> {
    const { externalUrl, query } = this.#settings;
    const data = new AlertData(new GoMap('string', labels), this.#externalLabels, externalUrl, value);
    const answers: Answers = new Map();
    for (;;) {
      try {
        this.#answers = answers; // Others may have run meanwhile.
        return executeTemplate(set, this.#functions, data);
      } catch (error) {
        if (!(error instanceof NeedsQuery)) throw error;
        if (answers.size >= QUERIES_MAX) throw templateError(`the template asks more than ${QUERIES_MAX} queries`);
        answers.set(error.expression, await ask(query, error.expression));
      }
    }
  }
}

const NAMES: ReadonlySet<string> = new Set([
  ...BUILTIN_FUNCTIONS.keys(),
  ...prometheusFunctions({ timeMs: 0, externalUrl: '', query: () => new QuerySamples([]) }).keys(),
]);

/** A parsed alert template. */
export class AlertTemplate {
  /** A text without actions needs no execution. */
  readonly #set: TemplateSet | string;

  private constructor(set: TemplateSet | string) {
    this.#set = set;
  }

  /** Parses; throws TidemarkError `bad_template` in Go's words. */
  static parse(alert: string, text: string): AlertTemplate {
    if (!text.includes('{{')) return new AlertTemplate(text);
    return new AlertTemplate(parseTemplateText(`__alert_${alert}`, DEFINITIONS + text, (name) => NAMES.has(name)));
  }

  /**
   * The text for a sample. Throws TidemarkError `bad_template` for what the template does wrong, and what a query fails with as
   * part of that.
   */
  async expand(labels: Labels, value: number | NativeHistogram, world: ExpansionWorld): Promise<string> {
    const set = this.#set;
    if (typeof set === 'string') return set;
    try {
      return await world.execute(set, labels, value);
    } catch (error) {
      if (!(error instanceof TidemarkError) || error.code !== 'bad_template') throw error;
      throw templateError(`error executing template ${set.name}: ${errorText(error)}`, error);
    }
  }
}

class NeedsQuery extends Error {
  readonly expression: string;

  constructor(expression: string) {
    super('the answer to a query is needed');
    this.expression = expression;
  }
}

async function ask(query: TemplateQuery, expression: string): Promise<QuerySamples | FunctionError> {
  try {
    const samples = await query(expression);
    return new QuerySamples(samples.map(({ labels, value }) => new QuerySample(labels, value)));
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    return new FunctionError(errorText(error));
  }
}
