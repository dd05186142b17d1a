// What a scrape pool's configuration says, and what its relabelling does to a target, rule by rule.
import { TidemarkError, errorText } from '../base/index.ts';
import { Labels, type RelabelConfig, compileRelabel } from '../model/index.ts';
import { type Answer, type Route, successAnswer } from './exchange.ts';
import type { Parameters } from './parameters.ts';
import type { ApiServices, ScrapePoolView } from './services.ts';

const badData = (text: string): TidemarkError => new TidemarkError('bad_data', text);

/** Routes of scrape_pools/config and targets/relabel_steps. */
export function poolRoutes({ targets }: ApiServices): Route[] {
  const route = (path: string, handle: (pool: ScrapePoolView, p: Parameters) => object): Route => ({
    path: `/api/v1/${path}`,
    methods: ['GET'],
    handle: async (exchange): Promise<Answer> => {
      const parameters = await exchange.parameters();
      return successAnswer(handle(poolOf(targets.pool, parameters.get('scrapePool')), parameters));
    },
  });
  return [
    route('scrape_pools/config', ({ yaml }) => ({ yaml: yaml() })),
    route('targets/relabel_steps', ({ relabelConfigs, nameScheme }, parameters) => ({
      steps: relabelSteps(relabelConfigs, nameScheme, parsedLabels(parameters.get('labels'))),
    })),
  ];
}

function poolOf(pool: ApiServices['targets']['pool'], name: string): ScrapePoolView {
  if (name === '') throw badData('no scrapePool parameter provided');
  const found = pool(name);
  if (!found) throw new TidemarkError('not_found', `error retrieving scrape config: scrape pool "${name}" not found`);
  return found;
}

/** The labels parameter: a JSON object of texts. */
function parsedLabels(text: string): Labels {
  if (text === '') throw badData('no labels parameter provided');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badData(`error parsing labels: ${errorText(error)}`);
  }
  const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
  if (!isObject || Object.values(value as object).some((label) => typeof label !== 'string'))
    throw badData('error parsing labels: want an object of texts');
  return Labels.from(value as Record<string, string>);
}

/** A rule as its configuration writes it. */
const shownRule = (rule: RelabelConfig): object => ({
  ...(rule.sourceLabels && { source_labels: rule.sourceLabels }),
  separator: rule.separator,
  regex: rule.regex,
  ...(rule.modulus !== 0 && { modulus: rule.modulus }),
  ...(rule.targetLabel !== '' && { target_label: rule.targetLabel }),
  replacement: rule.replacement,
  action: rule.action,
});

/** After each rule: the labels, and whether the target is still there. */
function relabelSteps(rules: readonly RelabelConfig[], scheme: ScrapePoolView['nameScheme'], labels: Labels): object[] {
  return rules.map((rule, i) => {
    const kept = compileRelabel(rules.slice(0, i + 1), scheme)(labels);
    return { rule: shownRule(rule), output: kept?.toObject() ?? {}, keep: kept !== null };
  });
}
