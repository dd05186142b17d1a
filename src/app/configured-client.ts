// An HTTP client as a configuration describes it: credentials, certificates, proxy, OAuth 2.0. Files are read when it is first
// used, again after a failure to read them, and now and then, so that what is renewed on disk is taken over.
import { TidemarkError } from '../base/index.ts';
import {
  type HostFiles,
  type HttpClientConfig,
  credentialFiles,
  httpClientOptions,
  oauth2Options,
} from '../config/index.ts';
import {
  type Clock,
  type HttpClient,
  type HttpClientOptions,
  type HttpRequest,
  type HttpResponse,
  OAuth2Client,
  createHttpClient,
} from '../io/index.ts';

/** Credentials are looked at so often, as Prometheus does at each request and each connection. */
const LOOK_MS = 5000;
/** A client that is replaced is closed when its last request must be over; the longest are watches of service discovery. */
const REQUEST_MS_MAX = 400_000;

export interface ConfiguredClientParts {
  readonly files: HostFiles;
  readonly clock: Clock;
  /** What the configuration does not say, such as a Unix socket. */
  readonly options?: HttpClientOptions;
}

export class ConfiguredClient implements HttpClient {
  readonly #config: HttpClientConfig;
  readonly #parts: ConfiguredClientParts;
  readonly #files: readonly string[];
  #client: Promise<HttpClient> | null = null;
  #stamp = '';
  #lookedMs = -Infinity;
  #isClosed = false;

  constructor(config: HttpClientConfig, parts: ConfiguredClientParts) {
    this.#config = config;
    this.#parts = parts;
    this.#files = credentialFiles(config);
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    if (this.#files.length > 0) await this.#look();
    this.#client ??= this.#make();
    let client: HttpClient;
    try {
      client = await this.#client;
    } catch (error) {
      this.#client = null;
      throw error;
    }
    return client.request(request);
  }

  /** Goes over to a new client if a file has changed; requests under way end with the old one. */
  async #look(): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = nowMs;
    const stats = await Promise.all(this.#files.map((path) => this.#parts.files.stat(path)));
    const stamp = stats.map((stat) => (stat ? `${stat.modifiedMs}/${stat.sizeBytes}` : '')).join(' ');
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    const before = this.#client;
    this.#client = null;
    if (before === null) return;
    this.#parts.clock.after(REQUEST_MS_MAX, () => {
      void before.then((client) => client.close()).catch(() => {}); // it was never made
    });
  }

  async #make(): Promise<HttpClient> {
    if (this.#isClosed) throw new TidemarkError('connection_failed', 'cannot send a request: the client is closed');
    const { clock, files } = this.#parts;
    const { oauth2 } = this.#config;
    const configured = await httpClientOptions(this.#config, files.readFile, process.env);
    const options = { ...configured, ...this.#parts.options };
    if (!oauth2) return createHttpClient(options);
    const { grant, client } = await oauth2Options(oauth2, files.readFile, process.env);
    return new OAuth2Client(createHttpClient(options), createHttpClient(client), grant, clock);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const client = await this.#client?.catch(() => null);
    await client?.close();
  }
}
