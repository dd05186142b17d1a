// A small Kubernetes API server: objects by path, with resource versions, pages, watches, bookmarks and 410 Gone, as the real one
// (https://kubernetes.io/docs/reference/using-api/api-concepts/). It has no authentication and no field selectors.
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface KubeObject {
  readonly metadata: {
    name: string;
    namespace?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

interface Watch {
  readonly plural: string;
  readonly namespace: string;
  readonly response: ServerResponse;
}

interface StoredEvent {
  readonly version: number;
  readonly plural: string;
  readonly namespace: string;
  readonly line: string;
}

const PATH = /^\/(?:api\/v1|apis\/[\w.]+\/v1)(?:\/namespaces\/([^/]+))?\/(\w+)$/;

export class KubeApiServer {
  /** Requests as `GET /path?query`, in order. */
  readonly requests: string[] = [];
  readonly authorizations: (string | undefined)[] = [];
  /** Lists come in pages of so many, whatever limit is asked for. */
  pageItemsMax = 500;
  /** Answers every request with this status when it is not 0. */
  failWith = 0;
  readonly #server: Server;
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #watches = new Set<Watch>();
  #events: StoredEvent[] = [];
  #oldestVersion = 0;
  #version = 100;

  constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get watchCount(): number {
    return this.#watches.size;
  }

  /** Creates or replaces an object of `pods`, say. */
  put(plural: string, object: KubeObject): void {
    const objects = this.#of(plural);
    const key = keyOf(object);
    const type = objects.has(key) ? 'MODIFIED' : 'ADDED';
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
    objects.set(key, stored);
    this.#send(plural, type, stored);
  }

  remove(plural: string, key: string): void {
    const object = this.#of(plural).get(key) as KubeObject;
    this.#of(plural).delete(key);
    this.#send(plural, 'DELETED', {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(++this.#version) },
    });
  }

  /** Tells watchers how far they are, without an object. */
  bookmark(): void {
    const object = { metadata: { resourceVersion: String(++this.#version) } };
    for (const { response } of this.#watches) response.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }

  /** What a watcher from before now gets is an ERROR event with code 410. */
  forgetHistory(): void {
    this.#events = [];
    this.#oldestVersion = this.#version + 1;
    this.#version++;
  }

  /** Ends all watches, cleanly or not. */
  dropWatches(how: 'end' | 'destroy'): void {
    for (const { response } of this.#watches) {
      if (how === 'end') response.end();
      else response.destroy();
    }
    this.#watches.clear();
  }

  /** Sends raw text to all watchers. */
  sendRaw(text: string): void {
    for (const { response } of this.#watches) response.write(text);
  }

  #of(plural: string): Map<string, KubeObject> {
    const objects = this.#objects.get(plural) ?? new Map<string, KubeObject>();
    this.#objects.set(plural, objects);
    return objects;
  }

  #send(plural: string, type: string, object: KubeObject): void {
    const line = `${JSON.stringify({ type, object })}\n`;
    const namespace = object.metadata.namespace ?? '';
    this.#events.push({ version: this.#version, plural, namespace, line });
    for (const watch of this.#watches) if (concerns(watch, plural, namespace)) watch.response.write(line);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push(`${request.method} ${request.url}`);
    this.authorizations.push(request.headers.authorization);
    const url = new URL(request.url as string, 'http://x');
    const match = PATH.exec(url.pathname);
    // A server without streamed lists, as most are, does not know this parameter.
    const isStreamedList = url.searchParams.has('sendInitialEvents');
    if (this.failWith !== 0 || !match || isStreamedList) {
      const code = this.failWith || (isStreamedList ? 422 : 404);
      response.writeHead(code, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ kind: 'Status', status: 'Failure', message: 'no luck', reason: 'Invalid', code }));
      return;
    }
    const [, namespace = '', plural] = match;
    response.writeHead(200, { 'content-type': 'application/json' });
    if (url.searchParams.has('watch')) this.#watch(plural, namespace, url.searchParams, response);
    else response.end(JSON.stringify(this.#list(plural, namespace, url.searchParams)));
  }

  #list(plural: string, namespace: string, parameters: URLSearchParams): object {
    const selector = (parameters.get('labelSelector') ?? '').split('=');
    const all = [...this.#of(plural).values()].filter(
      ({ metadata }) =>
        (namespace === '' || metadata.namespace === namespace) &&
        (selector.length < 2 || metadata.labels?.[selector[0]] === selector[1]),
    );
    const start = Number(parameters.get('continue') ?? 0);
    const end = start + this.pageItemsMax;
    const metadata = { resourceVersion: String(this.#version), ...(end < all.length && { continue: String(end) }) };
    return { kind: KINDS[plural], apiVersion: VERSIONS[plural] ?? 'v1', metadata, items: all.slice(start, end) };
  }

  #watch(plural: string, namespace: string, parameters: URLSearchParams, response: ServerResponse): void {
    response.flushHeaders();
    const from = Number(parameters.get('resourceVersion') ?? 0);
    if (from < this.#oldestVersion) {
      const object = { kind: 'Status', status: 'Failure', code: 410, message: 'too old resource version' };
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      return;
    }
    const watch = { plural, namespace, response };
    for (const event of this.#events)
      if (event.version > from && concerns(watch, event.plural, event.namespace)) response.write(event.line);
    this.#watches.add(watch);
    response.on('close', () => this.#watches.delete(watch));
  }
}

const KINDS: Record<string, string> = {
  pods: 'PodList',
  nodes: 'NodeList',
  services: 'ServiceList',
  endpoints: 'EndpointsList',
  namespaces: 'NamespaceList',
  endpointslices: 'EndpointSliceList',
  ingresses: 'IngressList',
};
const VERSIONS: Record<string, string> = {
  endpointslices: 'discovery.k8s.io/v1',
  ingresses: 'networking.k8s.io/v1',
};

const keyOf = ({ metadata: { namespace, name } }: KubeObject): string => (namespace ? `${namespace}/${name}` : name);

const concerns = (watch: Watch, plural: string, namespace: string): boolean =>
  watch.plural === plural && (watch.namespace === '' || watch.namespace === namespace);
