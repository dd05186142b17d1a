// `tidemark check healthy` and `tidemark check ready`: asks a server how it is.
import { TidemarkError, errorText, utf8Text } from '../base/index.ts';
import { toolClient, toolClientFlags } from './tool-client.ts';
import type { VerbArguments } from './tsdb-options.ts';
import { EXIT_CODES, type Tool, type ToolVerb } from './verb-command.ts';

const BODY_BYTES_MAX = 1 << 20;
const TIMEOUT_MS = 30_000;

async function run(path: string, tool: Tool, args: VerbArguments): Promise<number> {
  const given = args.text('url');
  const base = (/^[a-z]+:\/\//i.test(given) ? given : `http://${given}`).replace(/\/+$/, '');
  const client = await toolClient(tool, args);
  try {
    const limits = { timeoutMs: TIMEOUT_MS, bodyBytesMax: BODY_BYTES_MAX };
    const { status, body } = await client.request({ method: 'GET', url: base + path, ...limits });
    if (status < 200 || status > 299) {
      tool.say(`check failed: URL=${base}, status=${status}`);
      return EXIT_CODES.failed;
    }
    tool.say(`  SUCCESS:  ${utf8Text(body)}`);
    return EXIT_CODES.good;
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    tool.say(errorText(error));
    return EXIT_CODES.failed;
  } finally {
    await client.close();
  }
}

const verb = (name: string, path: string, help: string): ToolVerb => ({
  verb: `check ${name}`,
  help,
  args: [],
  flags: {
    ...toolClientFlags,
    url: { kind: 'text', absent: 'http://localhost:9090', help: 'The URL of the server.' },
  },
  run: (tool, args) => run(path, tool, args),
});

/** `check healthy` and `check ready`. */
export const checkServerVerbs: readonly ToolVerb[] = [
  verb('healthy', '/-/healthy', 'Check if the server is healthy.'),
  verb('ready', '/-/ready', 'Check if the server is ready.'),
];
