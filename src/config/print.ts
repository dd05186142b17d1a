// A configuration as text, defaults filled in and secrets masked, in the field order of Prometheus.
import { Document, isPair, isSeq, visit } from 'yaml';
import { type Config, configFile } from './config.ts';
import { type ScrapeConfig, scrapeConfig } from './scrape-config.ts';

function toYaml(value: unknown): string {
  const document = new Document(value);
  visit(document, {
    Pair(_, pair) {
      if (isPair(pair) && String(pair.key) === 'source_labels' && isSeq(pair.value)) pair.value.flow = true;
    },
  });
  return document.toString({ indentSeq: false, lineWidth: 0, flowCollectionPadding: false });
}

/** The whole configuration as YAML. */
export const printConfig = (config: Config): string => toYaml(configFile.encode(config));

/** One job as YAML. */
export const printScrapeConfig = (job: ScrapeConfig): string => toYaml(scrapeConfig.encode(job));
