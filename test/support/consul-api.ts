// A small Consul server: catalog, health and agent, with blocking queries.
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ConsulEntry {
  readonly Node: object;
  readonly Service: { readonly Service: string; readonly Tags: readonly string[] } & Record<string, unknown>;
  readonly Checks: readonly object[];
}

export class ConsulServer {
  readonly requests: string[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  /** Paths that are answered with 500. */
  readonly broken = new Set<string>();
  readonly #server: Server;
  readonly #entries = new Map<string, ConsulEntry>();
  #waiting: (() => void)[] = [];
  #index = 10;

  constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  register(id: string, entry: ConsulEntry): void {
    this.#entries.set(id, entry);
    this.#changed();
  }

  deregister(id: string): void {
    this.#entries.delete(id);
    this.#changed();
  }

  #changed(): void {
    this.#index++;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const answer of waiting) answer();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url as string, 'http://x');
    const path = decodeURIComponent(url.pathname);
    this.requests.push(request.url as string);
    this.headers.push(request.headers);
    if (this.broken.has(path)) {
      response.writeHead(500).end('rpc error: no leader');
      return;
    }
    const answer = (): void => {
      response.writeHead(200, { 'content-type': 'application/json', 'x-consul-index': String(this.#index) });
      response.end(JSON.stringify(this.#body(path, url.searchParams.getAll('tag'))));
    };
    if (Number(url.searchParams.get('index') ?? 0) === this.#index) this.#waiting.push(answer);
    else answer();
  }

  #body(path: string, tags: readonly string[]): unknown {
    const entries = [...this.#entries.values()];
    if (path.endsWith('/v1/agent/self')) return { Config: { Datacenter: 'dc1' } };
    if (path.endsWith('/v1/catalog/services')) {
      const services: Record<string, string[]> = {};
      for (const { Service } of entries)
        services[Service.Service] = [...new Set([...(services[Service.Service] ?? []), ...Service.Tags])];
      return services;
    }
    const name = path.slice(path.lastIndexOf('/') + 1);
    return entries.filter(({ Service }) => Service.Service === name && tags.every((tag) => Service.Tags.includes(tag)));
  }
}
