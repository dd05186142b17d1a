// The world as parameters. Everything outside this folder that needs files, time, randomness or the network takes one of
// these; only the real adapters beside this file touch `node:fs`, timers and sockets (lint). The simulator plugs in its own:
// virtual time, a disk with torn writes and lost unsynced data, all from one seed.

/** An open file. Offsets and lengths in bytes. */
export interface OpenFile {
  /** Reads up to into.length bytes at `offset`; returns how many there were. */
  read(into: Uint8Array, offset: number): Promise<number>;
  /**
   * Writes all bytes at `offset`. Not durable before sync(). Throws TidemarkError `disk_full` when space is out; part of the
   * bytes may have been written then. The bytes must not change (nor their memory grow) until the promise settles.
   */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  /** Writes the chunks one after the other, the first at `offset`: one system call for a group of records. Otherwise as write(). */
  writev(chunks: readonly Uint8Array[], offset: number): Promise<void>;
  /** Makes data (and the size) durable. */
  sync(): Promise<void>;
  size(): Promise<number>;
  truncate(sizeBytes: number): Promise<void>;
  close(): Promise<void>;
}

/** What there is to know about a file without opening it. */
export interface FileStat {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly isDirectory: boolean;
}

/**
 * A file system below one root directory; paths are relative, with '/' between names and no '..'; '' is the root itself.
 * Errors are TidemarkErrors that name the path: `not_found`, `already_exists`, `disk_full`, `permission_denied`, `locked`,
 * `bad_path`, and `io_error` for the rest.
 */
export interface Files {
  /** For a message to a person. */
  readonly root: string;
  /** mode 'read': must exist. 'write': opened for reading and writing, created if absent. 'create': must not exist. */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<OpenFile>;
  /** Whole contents; throws TidemarkError `not_found` if absent. */
  readFile(path: string): Promise<Uint8Array>;
  /**
   * Writes `path`.tmp, syncs it, renames it over `path` and syncs the directory: all or nothing after a crash. The directory
   * must exist. A crash may leave the .tmp file: it means nothing and may be removed.
   */
  writeFileAtomic(path: string, bytes: Uint8Array): Promise<void>;
  /** Names in a directory, sorted; empty if the directory is absent. */
  list(path: string): Promise<string[]>;
  exists(path: string): Promise<boolean>;
  /** What is at `path`, or undefined if nothing is. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Makes a directory and those above it; present is fine. Durable after syncDirectory of its parent. */
  makeDirectory(path: string): Promise<void>;
  /** Removes a file or a directory with all in it; absent is fine. Durable after syncDirectory of its parent. */
  remove(path: string): Promise<void>;
  /** Renames a file (replacing the one at `to`) or a directory. Durable after syncDirectory. */
  rename(from: string, to: string): Promise<void>;
  /** Makes creations, renames and removals in a directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** Takes an exclusive lock for this process' life. Throws TidemarkError `locked` naming the holder if it is taken. */
  lock(path: string): Promise<{ release(): Promise<void> }>;
}

/** Wall and monotonic time, and timers. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Milliseconds of a clock that never goes back; fractions count. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with an AbortError if `signal` aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `ms`; the result cancels. */
  after(ms: number, callback: () => void): () => void;
  /** Resolves in a later turn of the event loop, after input that waits has been taken. */
  yield(): Promise<void>;
  /**
   * Blocks this thread for about `ms` (fractions count), so that others get the processor at once. For threads of long work
   * only: a scheduler lets a running thread finish its slice of milliseconds before one that wakes up.
   */
  pause(ms: number): void;
}

/** Randomness that is not security. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** `count` random bytes. */
  bytes(count: number): Uint8Array;
}

/** Result of an HTTP request. Header names in lower case; the body is decoded, whatever `content-encoding` says. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** An HTTP request. Header names in any case. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Whole request, redirects included. */
  readonly timeoutMs: number;
  /** Of the decompressed body; more ends the request with TidemarkError `body_too_large`. 0 = unlimited. */
  readonly bodyBytesMax: number;
  readonly followRedirects?: boolean;
  readonly signal?: AbortSignal;
  /**
   * Takes the body of a 2xx answer piece by piece as it arrives; the answer's own body is then empty. For answers that go on
   * and on; encoded ones are refused. What it throws ends the request.
   */
  readonly onBody?: (piece: Uint8Array) => void;
}

/** How a client reaches servers. Certificates and keys are PEM text. */
export interface HttpClientOptions {
  readonly tls?: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly serverName?: string;
    /** Accepts any certificate. */
    readonly insecure?: boolean;
    readonly minVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
    readonly maxVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  };
  readonly basicAuth?: { readonly username: string; readonly password: string };
  /** The whole value of the Authorization header, such as `Bearer abc`. */
  readonly authorization?: string;
  /** A Unix socket that all requests go to, whatever host their URL names. */
  readonly socketPath?: string;
  readonly proxyUrl?: string;
  /** Proxies by scheme of the request's URL, as environments give them; instead of proxyUrl. */
  readonly proxyUrls?: { readonly http?: string; readonly https?: string };
  /** What is reached without a proxy: names, addresses and blocks of them, separated by commas. */
  readonly noProxy?: string;
  /** Sent with CONNECT to the proxy. */
  readonly proxyHeaders?: Readonly<Record<string, string>>;
  /** Added to every request; a header of the request itself wins. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Idle connections close after this. Default 30 s; 0 = a connection per request. */
  readonly keepAliveMs?: number;
  /** At most this many at once per origin; more requests queue. Default: no limit. */
  readonly connectionCountMax?: number;
}

/**
 * An HTTP client with its own TLS, proxy and credentials. Decodes gzip, deflate and zstd bodies. Credentials stay with the
 * host they were meant for: a redirect to another one goes without. Errors are TidemarkErrors: `timeout`, `connection_failed`,
 * `body_too_large`, `bad_body`, `too_many_redirects`, `bad_url`; an abort by `signal` throws the signal's reason.
 */
export interface HttpClient {
  request(request: HttpRequest): Promise<HttpResponse>;
  close(): Promise<void>;
}

/** Types of records that can be asked for. */
export type DnsType = 'A' | 'AAAA' | 'MX' | 'NS' | 'SRV';

/** An address, or a name without a dot at its end. */
export interface DnsRecord {
  readonly target: string;
  /** Of SRV; 0 for other types. */
  readonly port: number;
}

/** The domain name system. */
export interface DnsResolver {
  /**
   * Records of a name, with the machine's search list; none if the name is not there. Throws TidemarkError `dns_failed` when no
   * server gives an answer that says so; an abort by `signal` throws the signal's reason.
   */
  resolve(name: string, type: DnsType, signal?: AbortSignal): Promise<DnsRecord[]>;
}

/** Immutable objects under names with '/' between the parts: a directory, or S3-compatible storage. */
export interface Objects {
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** Bytes [offset, offset + length) of an object; throws TidemarkError `not_found`. */
  getRange(name: string, offset: number, length: number): Promise<Uint8Array>;
  size(name: string): Promise<number>;
  list(prefix: string): Promise<string[]>;
  remove(name: string): Promise<void>;
}

/** Makes a client; every configured group of targets has its own. */
export type MakeHttpClient = (options?: HttpClientOptions) => HttpClient;

/** The bundle that roles receive. */
export interface World {
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
}
