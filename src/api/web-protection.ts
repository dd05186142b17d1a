// What --web.config.file asks for: TLS, basic authentication, headers, a limit of requests. The file is looked at with every
// connection and request, as Prometheus does, so that renewed certificates and changed users need no reload; a file that has
// become unreadable changes nothing and is reported once. Whether there is TLS at all is settled at the start.
import { X509Certificate } from 'node:crypto';
import type { Server as HttpsServer, ServerOptions } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { type Logger, TidemarkError, errorText, utf8Text } from '../base/index.ts';
import { type ServerTls, type WebConfig, parseWebConfig, serverTls, webTlsFiles } from '../config/index.ts';
import type { Clock, FreshFiles } from '../io/index.ts';
import { BasicAuth } from './basic-auth.ts';
import { TokenBucket } from './token-bucket.ts';

/** What protection is made of. */
export interface WebProtectionOptions {
  /** --web.config.file */
  readonly file: string;
  readonly files: FreshFiles;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A request that must not go on. */
export interface Refusal {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Loaded {
  readonly config: WebConfig;
  readonly tls: ServerTls | null;
  readonly users: ReadonlyMap<string, string>;
  readonly headers: readonly (readonly [string, string])[];
  /** The files that it was made of. */
  readonly paths: readonly string[];
}

/** Protection of a server, on all its addresses, by a web configuration. */
export class WebProtection {
  readonly #options: WebProtectionOptions;
  readonly #auth: BasicAuth;
  #loaded: Loaded;
  #stamp: string;
  #bucket: TokenBucket | null = null;
  readonly #servers: HttpsServer[] = [];

  /** Throws TidemarkError `bad_config` if the file cannot be used. */
  constructor(options: WebProtectionOptions) {
    this.#options = options;
    this.#auth = new BasicAuth(options.clock);
    this.#loaded = this.#load();
    this.#stamp = this.#stampOf(this.#loaded.paths);
    this.#limit();
  }

  #load(): Loaded {
    const { file, files } = this.#options;
    const config = parseWebConfig(this.#text(), file);
    return {
      config,
      tls: serverTls(config, files.read),
      users: new Map(Object.entries(config.basicAuthUsers).map(([name, hash]) => [name, hash.reveal()])),
      headers: Object.entries(config.httpServerConfig.headers).filter(([, value]) => value !== ''),
      paths: [file, ...webTlsFiles(config)],
    };
  }

  #text(): string {
    const { file, files } = this.#options;
    try {
      return utf8Text(files.read(file));
    } catch (cause) {
      throw new TidemarkError('bad_config', `cannot read ${file}: ${errorText(cause)}`, { cause });
    }
  }

  #stampOf(paths: readonly string[]): string {
    return paths.map((path) => this.#options.files.stamp(path)).join(' ');
  }

  #limit(): void {
    const { intervalMs, burst } = this.#loaded.config.rateLimit;
    this.#bucket = intervalMs > 0 ? new TokenBucket(this.#options.clock, intervalMs, burst) : null;
  }

  /** Takes over what has changed on disk. */
  #refresh(): void {
    const stamp = this.#stampOf(this.#loaded.paths);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    try {
      const loaded = this.#load();
      if ((loaded.tls === null) !== (this.#loaded.tls === null))
        throw new TidemarkError('bad_config', 'TLS can only be switched on or off by a restart');
      this.#loaded = loaded;
      this.#stamp = this.#stampOf(loaded.paths);
      this.#limit();
      this.#applyTls();
      this.#options.logger.info('web configuration loaded', { file: this.#options.file });
    } catch (error) {
      const { logger, file } = this.#options;
      logger.error('web configuration not loaded: the one before stays', { file, error: errorText(error) });
    }
  }

  /** For a TLS server; null: plain HTTP. */
  get serverOptions(): ServerOptions | null {
    const { tls } = this.#loaded;
    return tls && { ...contextOptions(tls), ...peerOptions(tls) };
  }

  /** Keeps the server's certificates those of the files, and clients without the right certificate out. */
  guard(server: HttpsServer): void {
    this.#servers.push(server);
    server.prependListener('connection', () => this.#refresh());
    server.prependListener('secureConnection', (socket) => {
      const { tls } = this.#loaded;
      if (tls && !isClientGood(tls, socket)) socket.destroy();
    });
  }

  #applyTls(): void {
    const { tls } = this.#loaded;
    if (!tls) return;
    for (const server of this.#servers) {
      server.setSecureContext(contextOptions(tls));
      // Node reads these of the server at each handshake; setSecureContext leaves them as they are.
      Object.assign(server, peerOptions(tls));
    }
  }

  /** Headers of every answer. */
  get headers(): readonly (readonly [string, string])[] {
    return this.#loaded.headers;
  }

  /** Whether users must give a password. */
  get hasUsers(): boolean {
    return this.#loaded.users.size > 0;
  }

  /** Null: the request may go on. `isKnown`: it has shown who it is by other means than a user's password. */
  async refusal(authorization: string | undefined, address: string, isKnown: boolean): Promise<Refusal | null> {
    this.#refresh();
    if (this.#bucket && !this.#bucket.take()) return { status: 429, text: 'Too Many Requests', headers: {} };
    const { users } = this.#loaded;
    if (users.size === 0 || isKnown) return null;
    const outcome = await this.#auth.check(users, authorization, address);
    if (outcome === 'good') return null;
    if (outcome === 'bad')
      return { status: 401, text: 'Unauthorized', headers: { 'www-authenticate': 'Basic realm="tidemark"' } };
    return { status: 429, text: 'Too Many Requests', headers: { 'retry-after': String(outcome.retryAfterSeconds) } };
  }
}

const contextOptions = (tls: ServerTls) => ({
  cert: tls.cert,
  key: tls.key,
  ca: tls.ca,
  minVersion: tls.minVersion,
  maxVersion: tls.maxVersion,
  ciphers: tls.ciphers,
  ecdhCurve: tls.curves,
  honorCipherOrder: tls.isServerOrder,
});

const peerOptions = ({ clientAuth }: ServerTls) => ({
  requestCert: clientAuth !== 'none',
  rejectUnauthorized: clientAuth === 'require-and-verify',
});

/** Whether the handshake's certificate is one that the policy asks for. */
function isClientGood({ clientAuth, allowedSans }: ServerTls, socket: TLSSocket): boolean {
  if (clientAuth === 'none' || clientAuth === 'request') return true;
  const { raw } = socket.getPeerCertificate();
  if (!raw) return clientAuth === 'verify-if-given';
  if (clientAuth !== 'require-any' && !socket.authorized) return false;
  return allowedSans.length === 0 || sansOf(new X509Certificate(raw)).some((san) => allowedSans.includes(san));
}

/** Alternative names of a certificate, without their kinds. Those that need quotes are JSON texts. */
function sansOf({ subjectAltName = '' }: X509Certificate): string[] {
  const names = subjectAltName.matchAll(/(?:^|, )(?:DNS|IP Address|email|URI):("(?:[^"\\]|\\.)*"|[^,]*)/g);
  return [...names].map(([, name]) => (name.startsWith('"') ? (JSON.parse(name) as string) : name));
}
