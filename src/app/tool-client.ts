// The HTTP client of verbs that speak with a server; --http.config.file gives it credentials, TLS and a proxy.
import { utf8Text } from '../base/index.ts';
import { parseHttpClientConfig } from '../config/index.ts';
import { type HttpClient, createHttpClient } from '../io/index.ts';
import { ConfiguredClient } from './configured-client.ts';
import type { VerbArguments, VerbFlag } from './tsdb-options.ts';
import type { Tool } from './verb-command.ts';

export const toolClientFlags: Readonly<Record<string, VerbFlag>> = {
  'http.config.file': { kind: 'text', help: 'HTTP client configuration file: basic_auth, tls_config and so on.' },
};

/** The caller closes it. Throws TidemarkError on a bad file. */
export async function toolClient(tool: Tool, args: VerbArguments): Promise<HttpClient> {
  const file = args.text('http.config.file');
  if (file === '') return createHttpClient();
  return new ConfiguredClient(parseHttpClientConfig(utf8Text(await tool.files.readFile(file)), file), tool);
}
