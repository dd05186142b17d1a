// Marathon: the tasks of applications (https://mesosphere.github.io/marathon/api-console). An application is a group, each port
// of each of its tasks a target.
import { TidemarkError, errorText, utf8Text } from '../../../base/index.ts';
import type { SdConfig } from '../../../config/index.ts';
import { Labels } from '../../../model/index.ts';
import type { TargetGroup } from '../discoverer.ts';
import type { Json } from '../json.ts';
import { joinHostPort, sanitizeLabelName } from '../labels.ts';
import { Api, type FetchGroups, type ProviderParts, trimSlash } from '../provider.ts';

type MarathonSdConfig = SdConfig<'marathonSdConfigs'>;

/** A port of an application: 0 if each task has its own, and the labels that go with it. */
interface Port {
  readonly port: number;
  readonly labels: Record<string, string>;
}

const portLabels = (prefix: string, labels: Json): Record<string, string> =>
  Object.fromEntries(
    labels
      .entries()
      .map(([name, value]) => [`__meta_marathon_${prefix}_label_${sanitizeLabelName(name)}`, value.text()]),
  );

const isContainerNet = (app: Json): boolean => app.at('networks').list()[0]?.at('mode').text() === 'container';

/** The ports that an application says it has; none if only its tasks know. */
function portsOf(app: Json): Port[] {
  const own = app.in('container.portMappings').list();
  const mappings = own.length > 0 ? own : app.in('container.docker.portMappings').list();
  if (mappings.length > 0) {
    // In a network of containers the container's own port is reached, else the one that the host has for it.
    const name = isContainerNet(app) ? 'containerPort' : 'hostPort';
    return mappings.map((one) => ({
      port: one.at(name).number(),
      labels: portLabels('port_mapping', one.at('labels')),
    }));
  }
  const isRequired = app.at('requirePorts').bool();
  return app
    .at('portDefinitions')
    .list()
    .map((one) => ({
      port: isRequired ? one.at('port').number() : 0,
      labels: portLabels('port_definition', one.at('labels')),
    }));
}

function taskTargets(task: Json, ports: readonly Port[], isContainer: boolean): Labels[] {
  const taskPorts = task.at('ports').list();
  const [address] = task.at('ipAddresses').list();
  const host = isContainer && address ? address.at('ipAddress').text() : task.at('host').text();
  return ports.map(({ port, labels }, i) => {
    const real = port === 0 && taskPorts.length === ports.length ? taskPorts[i].number() : port;
    return Labels.from({
      __address__: joinHostPort(host, real),
      __meta_marathon_task: task.at('id').text(),
      __meta_marathon_port_index: String(i),
      ...labels,
    });
  });
}

/** The group of an application. */
export function marathonGroup(app: Json): TargetGroup {
  const id = app.at('id').text();
  const tasks = app.at('tasks').list();
  let ports = portsOf(app);
  const targets = tasks.flatMap((task) => {
    // All tasks of an application have as many ports: those of the first that has some stand for all.
    if (ports.length === 0)
      ports = task
        .at('ports')
        .list()
        .map((port) => ({ port: port.number(), labels: {} }));
    return taskTargets(task, ports, isContainerNet(app));
  });
  const named = app.at('labels').entries();
  const labels = named.map(([name, value]) => [`__meta_marathon_app_label_${sanitizeLabelName(name)}`, value.text()]);
  return {
    source: id,
    targets,
    labels: Labels.from({
      __meta_marathon_app: id,
      __meta_marathon_image: app.in('container.docker.image').text(),
      ...(Object.fromEntries(labels) as Record<string, string>),
    }),
  };
}

/** What DC/OS wants as Authorization. */
async function tokenHeaders(config: MarathonSdConfig, parts: ProviderParts): Promise<Record<string, string>> {
  const { authToken, authTokenFile: file } = config;
  if (!authToken.isEmpty) return { Authorization: `token=${authToken.reveal()}` };
  if (file === '') return {};
  try {
    return { Authorization: `token=${utf8Text(await parts.files.readFile(file)).trim()}` };
  } catch (cause) {
    throw new TidemarkError('bad_discovery', `cannot read auth_token_file ${file}: ${errorText(cause)}`, { cause });
  }
}

export function marathonGroups(config: MarathonSdConfig, parts: ProviderParts): FetchGroups {
  const api = Api.of(config, parts);
  let turn = 0;
  return async (signal) => {
    const server = config.servers[turn++ % config.servers.length];
    const url = `${trimSlash(server)}/v2/apps/?embed=apps.tasks`;
    const answer = await api.json(url, { signal, headers: await tokenHeaders(config, parts) });
    return answer.at('apps').list().map(marathonGroup);
  };
}
