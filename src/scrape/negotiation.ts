// Which format a target is asked for and which one it sent, as Prometheus 3 does it.
import { TidemarkError } from '../base/index.ts';
import { SCRAPE_PROTOCOLS, type EscapingScheme, type ScrapeProtocol } from '../config/index.ts';
import { goQuote } from '../model/index.ts';
import type { ExpositionFormat } from '../wire/index.ts';

// Protobuf cannot be read here, so it is never asked for.
const READABLE = new Set<ScrapeProtocol>([
  'PrometheusText0.0.4',
  'PrometheusText1.0.0',
  'OpenMetricsText0.0.1',
  'OpenMetricsText1.0.0',
]);

/** The Accept header: the job's protocols by falling weight, then anything. Only versions 1.0.0 know an escaping. */
export function acceptHeader(protocols: readonly ScrapeProtocol[], escaping: EscapingScheme): string {
  let weight = Object.keys(SCRAPE_PROTOCOLS).length + 1;
  const parts = protocols
    .filter((protocol) => READABLE.has(protocol))
    .map((protocol) => {
      const escapes = protocol.endsWith('1.0.0') ? `;escaping=${escaping}` : '';
      return `${SCRAPE_PROTOCOLS[protocol]}${escapes};q=0.${weight--}`;
    });
  return [...parts, `*/*;q=0.${weight}`].join(',');
}

const FORMATS: Readonly<Record<string, ExpositionFormat>> = {
  'text/plain': 'text',
  'application/openmetrics-text': 'openmetrics',
};
const MEDIA_TYPE = /^\s*([\w!#$%&'*+.^`|~-]+(?:\/[\w!#$%&'*+.^`|~-]+)?)\s*(?:;.*)?$/s;

const refuse = (text: string): TidemarkError => new TidemarkError('bad_content_type', text);

/** The format of a body by its Content-Type, or by the job's fallback where that says nothing useful. */
export function bodyFormat(contentType: string, fallback: ScrapeProtocol | ''): ExpositionFormat {
  const mediaType = MEDIA_TYPE.exec(contentType)?.[1].toLowerCase();
  if (mediaType !== undefined && Object.hasOwn(FORMATS, mediaType)) return FORMATS[mediaType];
  const instead = fallback === '' ? '' : SCRAPE_PROTOCOLS[fallback].split(';')[0];
  if (instead !== '' && Object.hasOwn(FORMATS, instead)) return FORMATS[instead];
  if (instead !== '')
    throw refuse(`cannot read fallback_scrape_protocol ${goQuote(fallback)}: protobuf is not supported`);
  if (contentType === '') {
    throw refuse(
      'non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target',
    );
  }
  const shown = goQuote(contentType);
  if (mediaType === undefined) {
    throw refuse(`cannot parse Content-Type ${shown} and no fallback_scrape_protocol for target`);
  }
  throw refuse(`received unsupported Content-Type ${shown} and no fallback_scrape_protocol specified for target`);
}
