// `tidemark push metrics`: reads expositions and sends them to a server by remote write.
import { TidemarkError, errorText, utf8Text } from '../base/index.ts';
import { parseDuration } from '../config/index.ts';
import type { HttpClient } from '../io/index.ts';
import { compareUtf8 } from '../model/index.ts';
import {
  type WireSeries,
  compressSnappy,
  encodeRemoteWriteV1,
  encodeRemoteWriteV2,
  parseExpositionTwin,
  parseSeriesText,
} from '../wire/index.ts';
import { headerPair } from './query-api.ts';
import { toolClient, toolClientFlags } from './tool-client.ts';
import type { VerbArguments } from './tsdb-options.ts';
import { EXIT_CODES, type Tool, type ToolVerb, runVerbs } from './verb-command.ts';

const BODY_BYTES_MAX = 1 << 20;
const PROTOCOLS = {
  'prometheus.WriteRequest': { version: '0.1.0', encode: encodeRemoteWriteV1 },
  'io.prometheus.write.v2.Request': { version: '2.0.0', encode: encodeRemoteWriteV2 },
} as const;
type Protocol = keyof typeof PROTOCOLS;

/** The labels of a pushed series: those of the command line, under its own; a job of its own is kept as exported_job. */
function pushedLabels(own: ReadonlyMap<string, string>, extra: ReadonlyMap<string, string>): [string, string][] {
  const labels = new Map(extra);
  for (const [name, value] of own) labels.set(name === 'job' ? 'exported_job' : name, value);
  return [...labels].filter(([, value]) => value !== '').sort(([a], [b]) => compareUtf8(a, b));
}

/** An exposition as series of one sample each. Throws TidemarkError `bad_exposition`. */
function seriesOf(body: Uint8Array, extra: ReadonlyMap<string, string>, nowMs: number): WireSeries[] {
  const { samples } = parseExpositionTwin(body, 'text');
  return samples.map(({ start, length, type, value, timestampMs }) => ({
    labels: pushedLabels(parseSeriesText(body.subarray(start, start + length), type), extra),
    samples: [{ value, timestampMs: timestampMs ?? nowMs }],
  }));
}

class Push {
  readonly #tool: Tool;
  readonly #args: VerbArguments;
  readonly #protocol: Protocol;

  constructor(tool: Tool, args: VerbArguments) {
    this.#tool = tool;
    this.#args = args;
    const name = args.text('protobuf_message');
    if (!Object.hasOwn(PROTOCOLS, name))
      throw new TidemarkError('bad_flag', `unknown remote write protobuf message ${name}`);
    this.#protocol = name as Protocol;
  }

  /** Throws TidemarkError if the body is malformed or was not taken. */
  async send(body: Uint8Array, url: string, client: HttpClient): Promise<void> {
    const extra = new Map(this.#args.list('label').map(headerPair));
    if (!this.#args.has('label')) extra.set('job', 'promtool');
    const { version, encode } = PROTOCOLS[this.#protocol];
    const message = encode(seriesOf(body, extra, this.#tool.clock.nowMs()));
    const answer = await client.request({
      method: 'POST',
      url,
      headers: {
        ...Object.fromEntries(this.#args.list('header').map(headerPair)),
        'content-type': `application/x-protobuf;proto=${this.#protocol}`,
        'content-encoding': 'snappy',
        'x-prometheus-remote-write-version': version,
      },
      body: compressSnappy(message),
      timeoutMs: parseDuration(this.#args.text('timeout')),
      bodyBytesMax: BODY_BYTES_MAX,
    });
    if (answer.status >= 200 && answer.status <= 299) return;
    const reason = utf8Text(answer.body).trim();
    throw new TidemarkError('refused', `server returned HTTP status ${answer.status}: ${reason}`);
  }
}

async function run(tool: Tool, args: VerbArguments): Promise<number> {
  const [url, ...files] = args.positional;
  const push = new Push(tool, args);
  const client = await toolClient(tool, args);
  const sources = files.length === 0 ? [''] : files;
  let isFailed = false;
  try {
    for (const file of sources) {
      tool.print(file === '' ? 'Parsing standard input\n' : `Parsing metrics file ${file}\n`);
      try {
        await push.send(file === '' ? await tool.readInput() : await tool.files.readFile(file), url, client);
        tool.print('  SUCCESS: metric pushed to remote write.\n');
      } catch (error) {
        if (!(error instanceof TidemarkError) || error.code === 'bad_flag') throw error;
        tool.say(`  FAILED: ${errorText(error)}`);
        isFailed = true;
      }
    }
  } finally {
    await client.close();
  }
  return isFailed ? EXIT_CODES.failed : EXIT_CODES.good;
}

const VERBS: readonly ToolVerb[] = [
  {
    verb: 'push metrics',
    help: 'Push metrics to a remote write endpoint (for testing purpose only).',
    args: ['remote-write-url', '[metric-files...]'],
    flags: {
      ...toolClientFlags,
      label: { kind: 'list', help: 'Label to attach to metrics, name=value; job=promtool if there is none.' },
      timeout: { kind: 'text', absent: '30s', help: 'The time to wait for pushing metrics.' },
      header: { kind: 'list', help: 'Extra header to send: name=value.' },
      protobuf_message: {
        kind: 'text',
        absent: 'prometheus.WriteRequest',
        help: `Message to send: ${Object.keys(PROTOCOLS).join(', ')}.`,
      },
    },
    run,
  },
];

/** Runs `tidemark push` with the arguments behind the word; returns the exit code. */
export const runPush = (args: readonly string[], tool?: Tool): Promise<number> =>
  runVerbs('push', 'Push to a server.', VERBS, args, tool);
