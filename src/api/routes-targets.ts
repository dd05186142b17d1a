// Targets, their metadata, rules, alerts: what the process is doing, from its services, in Prometheus' JSON.
import { TidemarkError } from '../base/index.ts';
import { goQuote, matcherTest } from '../model/index.ts';
import { invalidParameter } from './envelope.ts';
import { type Answer, type Exchange, type Route, successAnswer } from './exchange.ts';
import { type Parameters, parameter } from './parameters.ts';
import type { ActiveTarget, ApiServices, MetricMetadata, RulesFilter, RulesPage, TargetMetadata } from './services.ts';

/** Go's zero time: what Prometheus shows for "never". */
const NEVER = '0001-01-01T00:00:00Z';
const badData = (text: string): TidemarkError => new TidemarkError('bad_data', text);

type Handle = (parameters: Parameters, exchange: Exchange) => unknown;

/** Routes of targets, metadata, rules and alerts. */
export function targetRoutes(services: ApiServices): Route[] {
  const route = (path: string, handle: Handle): Route => ({
    path: `/api/v1/${path}`,
    methods: ['GET'],
    handle: async (exchange): Promise<Answer> => successAnswer(handle(await exchange.parameters(), exchange)),
  });
  return [
    route('targets', (p) => targets(services, p)),
    route('targets/metadata', (p) => targetsMetadata(services, p)),
    route('scrape_pools', () => ({ scrapePools: [...services.targets.scrapePools()].sort() })),
    route('metadata', (p) => metadata(services, p)),
    route('rules', (p, exchange) => rules(services, p, exchange)),
    route('alerts', (_, exchange) => ({ alerts: services.rules?.alerts(exchange.tenant) ?? [] })),
    route('alertmanagers', () => alertmanagers(services)),
  ];
}

function shownTarget(target: ActiveTarget): object {
  return {
    discoveredLabels: target.discoveredLabels,
    labels: target.labels,
    scrapePool: target.scrapePool,
    scrapeUrl: target.scrapeUrl,
    globalUrl: target.globalUrl,
    lastError: target.lastError,
    lastScrape: target.lastScrapeMs === 0 ? NEVER : new Date(target.lastScrapeMs).toISOString(),
    lastScrapeDuration: target.lastScrapeDurationSeconds,
    health: target.health,
    scrapeInterval: target.scrapeInterval,
    scrapeTimeout: target.scrapeTimeout,
  };
}

function targets(services: ApiServices, p: Parameters): object {
  const state = p.get('state').toLowerCase();
  const pool = p.get('scrapePool');
  const inPool = (target: { readonly scrapePool: string }): boolean => pool === '' || target.scrapePool === pool;
  const isShown = (kind: string): boolean => state === '' || state === 'any' || state === kind;
  const active = isShown('active') ? services.targets.active().filter(inPool) : [];
  const dropped = isShown('dropped') ? services.targets.dropped().filter(inPool) : [];
  return {
    activeTargets: active.map(shownTarget),
    droppedTargets: dropped.map(({ discoveredLabels, scrapePool }) => ({ discoveredLabels, scrapePool })),
    droppedTargetCounts: isShown('dropped') ? services.targets.droppedCounts() : {},
  };
}

/** -1: none. */
function countLimit(text: string): number {
  if (text === '') return -1;
  if (!/^[+-]?\d+$/.test(text)) throw badData('limit must be a number');
  return Number(text);
}

function targetsMetadata(services: ApiServices, p: Parameters): object[] {
  const limit = countLimit(p.get('limit'));
  const metric = p.get('metric');
  const isMatch = targetTest(services, p.get('match_target'));
  const found: object[] = [];
  for (const item of services.targets.metadata()) {
    if (limit >= 0 && found.length >= limit) break;
    if ((metric !== '' && item.metric !== metric) || !isMatch(item)) continue;
    const { target, type, help, unit } = item;
    found.push(metric === '' ? { target, metric: item.metric, type, help, unit } : { target, type, help, unit });
  }
  return found;
}

function targetTest(services: ApiServices, selector: string): (item: TargetMetadata) => boolean {
  if (selector === '') return () => true;
  try {
    const tests = services
      .parseSelector(selector)
      .map((matcher) => ({ name: matcher.name, test: matcherTest(matcher) }));
    return ({ target }) => tests.every(({ name, test }) => test(Object.hasOwn(target, name) ? target[name] : ''));
  } catch (error) {
    throw invalidParameter('match_target', error);
  }
}

function metadata(services: ApiServices, p: Parameters): object {
  const limit = countLimit(p.get('limit'));
  const limitPerMetric = parameter(p, 'limit_per_metric', (text) => {
    if (text !== '' && !/^[+-]?\d+$/.test(text)) throw badData('limit_per_metric must be a number');
    return text === '' ? -1 : Number(text);
  });
  const only = p.get('metric');
  const metrics = new Map<string, Map<string, MetricMetadata>>();
  for (const { metric, type, help, unit } of services.targets.metadata()) {
    if (only !== '' && metric !== only) continue;
    let variants = metrics.get(metric);
    if (!variants) {
      if (limit >= 0 && metrics.size >= limit) continue;
      variants = new Map();
      metrics.set(metric, variants);
    }
    const key = JSON.stringify([type, help, unit]);
    if (limitPerMetric <= 0 || variants.size < limitPerMetric || variants.has(key)) {
      variants.set(key, { type, help, unit });
    }
  }
  return Object.fromEntries([...metrics].map(([name, variants]) => [name, [...variants.values()]]));
}

/** The limit of groups; a token alone says nothing. */
function groupLimit(p: Parameters): number {
  const text = p.get('group_limit');
  if (text === '' && p.get('group_next_token') !== '')
    throw invalidParameter(
      'group_next_token',
      badData('group_limit needs to be present in order to paginate over the groups'),
    );
  if (text === '') return 0;
  if (!/^[+-]?\d+$/.test(text))
    throw invalidParameter('group_limit', badData(`group_limit needs to be a valid number: got ${goQuote(text)}`));
  if (Number(text) <= 0) throw invalidParameter('group_limit', badData('group_limit needs to be greater than 0'));
  return Number(text);
}

function matcherSets(services: ApiServices, p: Parameters): RulesFilter['matcherSets'] {
  return p.all('match[]').map((text) => {
    try {
      return services.parseSelector(text);
    } catch (error) {
      throw invalidParameter('match[]', error);
    }
  });
}

function rulesFilter(services: ApiServices, p: Parameters, tenant: string): RulesFilter {
  const type = p.get('type').toLowerCase();
  if (type !== '' && type !== 'alert' && type !== 'record') {
    throw invalidParameter('type', badData(`not supported value ${goQuote(type)}`));
  }
  const excludeAlerts = p.get('exclude_alerts');
  if (!/^(|1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(excludeAlerts)) {
    throw invalidParameter('exclude_alerts', badData(`error converting exclude_alerts: ${excludeAlerts}`));
  }
  return {
    tenant,
    type,
    ruleNames: p.all('rule_name[]'),
    ruleGroups: p.all('rule_group[]'),
    files: p.all('file[]'),
    excludeAlerts: /^(1|t)/i.test(excludeAlerts),
    matcherSets: matcherSets(services, p),
    groupLimit: groupLimit(p),
    groupNextToken: p.get('group_next_token'),
  };
}

function rulesPage(services: ApiServices, filter: RulesFilter): RulesPage {
  try {
    return services.rules?.groups(filter) ?? { groups: [], groupNextToken: '' };
  } catch (error) {
    throw error instanceof TidemarkError ? invalidParameter('group_next_token', error) : error;
  }
}

function rules(services: ApiServices, p: Parameters, exchange: Exchange): object {
  const filter = rulesFilter(services, p, exchange.tenant);
  const { groups, groupNextToken } = rulesPage(services, filter);
  return groupNextToken === '' ? { groups } : { groups, groupNextToken };
}

function alertmanagers(services: ApiServices): object {
  const { active, dropped } = services.rules?.alertmanagers() ?? { active: [], dropped: [] };
  return {
    activeAlertmanagers: active.map((url) => ({ url })),
    droppedAlertmanagers: dropped.map((url) => ({ url })),
  };
}
