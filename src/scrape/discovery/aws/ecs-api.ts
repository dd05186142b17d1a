// The calls of ECS, and of EC2 for the machines below it, that discovery makes, in the batches that they take.
import type { SdConfig } from '../../../config/index.ts';
import type { XmlElement } from '../../../base/index.ts';
import type { Json } from '../json.ts';
import type { DiscoveryWorld } from '../world.ts';
import { AwsClient, mapLimited } from './client.ts';

export type EcsSdConfig = SdConfig<'ecsSdConfigs'>;

const TARGET = 'AmazonEC2ContainerServiceV20141113';
const EC2_VERSION = '2016-11-15';
const SERVICES_MAX = 10;
const BATCH_MAX = 100;

function batches<T>(items: readonly T[], size: number): T[][] {
  const out: T[][] = [];
  for (let i = 0; i < items.length; i += size) out.push(items.slice(i, i + size));
  return out;
}

export class EcsApi {
  readonly #config: EcsSdConfig;
  readonly #ecs: AwsClient;
  readonly #ec2: AwsClient;

  constructor(config: EcsSdConfig, world: DiscoveryWorld) {
    this.#config = config;
    this.#ecs = new AwsClient('ecs', config, world);
    this.#ec2 = new AwsClient('ec2', { ...config, endpoint: '' }, world); // the endpoint is that of ECS
  }

  async close(): Promise<void> {
    await Promise.all([this.#ecs.close(), this.#ec2.close()]);
  }

  region(signal: AbortSignal): Promise<string> {
    return this.#ecs.region(signal);
  }

  /** Runs over items as many at once as the configuration allows. */
  each<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
    return mapLimited(items, this.#config.requestConcurrency, run);
  }

  async clusters(signal: AbortSignal): Promise<Json[]> {
    const { clusters } = this.#config;
    const arns = clusters.length > 0 ? clusters : await this.#list('ListClusters', 'clusterArns', {}, signal);
    const found = await this.each(batches(arns, BATCH_MAX), (batch) =>
      this.#call('DescribeClusters', { clusters: batch, include: ['TAGS'] }, signal),
    );
    return found.flatMap((answer) => answer.at('clusters').list());
  }

  async services(cluster: string, signal: AbortSignal): Promise<Json[]> {
    const arns = await this.#list('ListServices', 'serviceArns', { cluster }, signal);
    const found = await this.each(batches(arns, SERVICES_MAX), (services) =>
      this.#call('DescribeServices', { cluster, services, include: ['TAGS'] }, signal),
    );
    return found.flatMap((answer) => answer.at('services').list());
  }

  async tasks(cluster: string, serviceName: string, signal: AbortSignal): Promise<Json[]> {
    const arns = await this.#list('ListTasks', 'taskArns', { cluster, serviceName }, signal);
    const found = await this.each(batches(arns, BATCH_MAX), (tasks) =>
      this.#call('DescribeTasks', { cluster, tasks, include: ['TAGS'] }, signal),
    );
    return found.flatMap((answer) => answer.at('tasks').list());
  }

  /** EC2 instance ids by container instances. */
  async machines(cluster: string, arns: readonly string[], signal: AbortSignal): Promise<Map<string, string>> {
    const found = await this.each(batches(arns, BATCH_MAX), (containerInstances) =>
      this.#call('DescribeContainerInstances', { cluster, containerInstances }, signal),
    );
    const all = found.flatMap((answer) => answer.at('containerInstances').list());
    return new Map(all.map((one) => [one.at('containerInstanceArn').text(), one.at('ec2InstanceId').text()]));
  }

  /** EC2 instances by id. */
  async instances(ids: readonly string[], signal: AbortSignal): Promise<Map<string, XmlElement>> {
    const answers = await this.#describe('DescribeInstances', 'InstanceId', ids, signal);
    const all = answers.flatMap((answer) =>
      answer.listAt('reservationSet').flatMap((one) => one.listAt('instancesSet')),
    );
    return new Map(all.map((instance) => [instance.textAt('instanceId'), instance]));
  }

  /** Public addresses by network interfaces. */
  async publicIps(ids: readonly string[], signal: AbortSignal): Promise<Map<string, string>> {
    const answers = await this.#describe('DescribeNetworkInterfaces', 'NetworkInterfaceId', ids, signal);
    const all = answers.flatMap((answer) => answer.listAt('networkInterfaceSet'));
    return new Map(all.map((one) => [one.textAt('networkInterfaceId'), one.textAt('association/publicIp')]));
  }

  #describe(action: string, parameter: string, ids: readonly string[], signal: AbortSignal): Promise<XmlElement[]> {
    return this.each(batches([...new Set(ids)], BATCH_MAX), (batch) => {
      const wanted = Object.fromEntries(batch.map((id, i) => [`${parameter}.${i + 1}`, id]));
      return this.#ec2.query({ Action: action, Version: EC2_VERSION, ...wanted }, signal);
    });
  }

  async #list(action: string, list: string, input: object, signal: AbortSignal): Promise<string[]> {
    const all: string[] = [];
    let nextToken = '';
    do {
      const answer = await this.#call(action, nextToken === '' ? input : { ...input, nextToken }, signal);
      all.push(...answer.at(list).texts());
      nextToken = answer.at('nextToken').text();
    } while (nextToken !== '');
    return all;
  }

  #call(action: string, input: object, signal: AbortSignal): Promise<Json> {
    return this.#ecs.json(`${TARGET}.${action}`, input, signal);
  }
}
