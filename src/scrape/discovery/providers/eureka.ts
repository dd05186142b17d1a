// Eureka: the instances of applications (https://github.com/Netflix/eureka/wiki/Eureka-REST-operations).
import { TidemarkError } from '../../../base/index.ts';
import type { SdConfig } from '../../../config/index.ts';
import { joinHostPort, sanitizeLabelName } from '../labels.ts';
import { Api, type FetchGroups, type ProviderParts, oneGroup, prefixed, trimSlash } from '../provider.ts';
import { type XmlElement, parseXml } from '../../../base/index.ts';

type EurekaSdConfig = SdConfig<'eurekaSdConfigs'>;

/** A whole number as an element's text; '0' where it says nothing. */
function wholeNumber(element: XmlElement | undefined): string {
  const text = element?.text.trim() ?? '';
  if (text === '') return '0';
  if (!/^-?\d{1,15}$/.test(text))
    throw new TidemarkError('bad_discovery', `cannot read answer: element ${element?.name}: want a whole number`);
  return String(Number(text));
}

function metadataLabels(prefix: string, metadata: XmlElement | undefined): Record<string, string> {
  const items = metadata?.children ?? [];
  return Object.fromEntries(items.map((item) => [`${prefix}_${sanitizeLabelName(item.name)}`, item.text]));
}

/** Number and enabledness of a port; nothing if the instance does not have it. */
function portLabels(name: string, port: XmlElement | undefined): Record<string, string> {
  if (!port) return {};
  const isEnabled = port.attributes.get('enabled')?.toLowerCase() === 'true';
  return { [name]: wholeNumber(port), [`${name}_enabled`]: String(isEnabled) };
}

function instanceTarget(instance: XmlElement, application: string): Record<string, string> {
  const host = instance.textOf('hostName');
  const id = instance.textOf('instanceId');
  const port = instance.child('port');
  const center = instance.child('dataCenterInfo');
  return {
    __address__: joinHostPort(host, port ? wholeNumber(port) : '80'),
    instance: id,
    __meta_eureka_app_name: application,
    ...prefixed('__meta_eureka_app_instance_', {
      hostname: host,
      homepage_url: instance.textOf('homePageUrl'),
      statuspage_url: instance.textOf('statusPageUrl'),
      healthcheck_url: instance.textOf('healthCheckUrl'),
      ip_addr: instance.textOf('ipAddr'),
      vip_address: instance.textOf('vipAddress'),
      secure_vip_address: instance.textOf('secureVipAddress'),
      status: instance.textOf('status'),
      country_id: wholeNumber(instance.child('countryId')),
      id,
      ...portLabels('port', port),
      ...portLabels('secure_port', instance.child('securePort')),
      datacenterinfo_name: center?.textOf('name') ?? '',
      ...metadataLabels('datacenterinfo_metadata', center?.child('metadata')),
      ...metadataLabels('metadata', instance.child('metadata')),
    }),
  };
}

export function eurekaGroups(config: EurekaSdConfig, parts: ProviderParts): FetchGroups {
  const api = Api.of(config, parts);
  const url = `${trimSlash(config.server)}/apps`;
  return async (signal) => {
    const { text } = await api.ask(url, { signal, headers: { Accept: 'application/xml' } });
    const targets = parseXml(text)
      .childrenOf('application')
      .flatMap((application) => {
        const name = application.textOf('name');
        return application.childrenOf('instance').map((instance) => instanceTarget(instance, name));
      });
    return oneGroup('eureka', targets);
  };
}
