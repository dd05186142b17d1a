// DigitalOcean: droplets and managed databases (https://docs.digitalocean.com/reference/api).
import type { SdConfig } from '../../../config/index.ts';
import type { Json } from '../json.ts';
import { joinHostPort, sanitizeLabelName } from '../labels.ts';
import {
  Api,
  type FetchGroups,
  type ProviderParts,
  everyPage,
  oneGroup,
  prefixed,
  surrounded,
  withQuery,
} from '../provider.ts';

type DigitaloceanSdConfig = SdConfig<'digitaloceanSdConfigs'>;

const URL_BASE = 'https://api.digitalocean.com/v2';
const PAGE_SIZE = '200';

function dropletTarget(droplet: Json, port: number): Record<string, string> | null {
  const v4 = droplet.in('networks.v4').list();
  if (v4.length === 0) return null;
  const first = (networks: Json[], type: string): string =>
    networks
      .find((network) => network.at('type').text() === type)
      ?.at('ip_address')
      .text() ?? '';
  const publicIp = first(v4, 'public');
  return {
    __address__: joinHostPort(publicIp, port),
    ...prefixed('__meta_digitalocean_', {
      droplet_id: droplet.at('id').scalar('0'),
      droplet_name: droplet.at('name').text(),
      image: droplet.in('image.slug').text(),
      image_name: droplet.in('image.name').text(),
      private_ipv4: first(v4, 'private'),
      public_ipv4: publicIp,
      public_ipv6: first(droplet.in('networks.v6').list(), 'public'),
      region: droplet.in('region.slug').text(),
      size: droplet.at('size_slug').text(),
      status: droplet.at('status').text(),
      vpc: droplet.at('vpc_uuid').text(),
      features: surrounded(droplet.at('features').texts()),
      tags: surrounded(droplet.at('tags').texts()),
    }),
  };
}

function databaseTarget(database: Json, port: number): Record<string, string> {
  const host = database.in('connection.host').text();
  const privateHost = database.in('private_connection.host').text();
  const tags = database
    .at('tags')
    .texts()
    .map((tag) => [`tag_${sanitizeLabelName(tag)}`, 'true']);
  return {
    __address__: joinHostPort(privateHost || host, port),
    ...prefixed('__meta_digitalocean_db_', {
      id: database.at('id').scalar(),
      name: database.at('name').text(),
      engine: database.at('engine').text(),
      version: database.at('version').text(),
      status: database.at('status').text(),
      region: database.at('region').text(),
      size: database.at('size').text(),
      num_nodes: database.at('num_nodes').scalar('0'),
      host,
      private_host: privateHost,
      ...(Object.fromEntries(tags) as Record<string, string>),
    }),
  };
}

export function digitaloceanGroups(config: DigitaloceanSdConfig, parts: ProviderParts): FetchGroups {
  const api = Api.of(config, parts);
  const list = (what: string, signal: AbortSignal): Promise<Json[]> =>
    everyPage(1, async (page) => {
      const url = withQuery(`${URL_BASE}/${what}`, { page: String(page), per_page: PAGE_SIZE });
      const answer = await api.json(url, { signal });
      const hasNext = answer.in('links.pages.next').text() !== '';
      return { items: answer.at(what).list(), next: hasNext ? page + 1 : null };
    });
  if (config.role === 'databases') {
    return async (signal) => {
      const databases = await list('databases', signal);
      return oneGroup(
        'DigitalOcean_Database',
        databases.map((database) => databaseTarget(database, config.port)),
      );
    };
  }
  return async (signal) => {
    const droplets = await list('droplets', signal);
    const targets = droplets.map((droplet) => dropletTarget(droplet, config.port));
    return oneGroup(
      'DigitalOcean',
      targets.filter((target) => target !== null),
    );
  };
}
