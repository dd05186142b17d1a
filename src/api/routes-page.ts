// The web page: files of build/ui, read once at start and served from memory, with entity tags. Every page of it is the same
// document; its script reads the path.
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { utf8, utf8Text } from '../base/index.ts';
import type { Files } from '../io/index.ts';
import { type Answer, type Exchange, plainError, type Route } from './exchange.ts';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json',
};

/** Only our own files; styles that scripts set on elements are not inline styles in its sense. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
};

/** The second line: where Prometheus has what is on another page here; the script leads there. */
const PAGES = [
  ...['/', '/query', '/alerts', '/rules', '/targets', '/status'],
  ...['/config', '/flags', '/tsdb-status', '/alertmanager-discovery', '/service-discovery'],
];

interface Asset {
  readonly contentType: string;
  readonly body: Uint8Array;
  readonly gzipBody: Uint8Array;
  readonly etag: string;
}

/** Files of the page by name. */
export type PageAssets = ReadonlyMap<string, Asset>;

/** Reads the page's files; `files` has build/ui as its root. Empty if it was not built. */
export async function loadPage(files: Files, isAgent = false): Promise<PageAssets> {
  const assets = new Map<string, Asset>();
  for (const name of await files.list('')) {
    const contentType = TYPES[name.slice(name.lastIndexOf('.') + 1)];
    if (!contentType) continue;
    const bytes = await files.readFile(name);
    const body = isAgent && name === 'index.html' ? agentPage(bytes) : bytes;
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    assets.set(name, { contentType, body, gzipBody: gzipSync(body), etag });
  }
  return assets;
}

/** The page's script then leaves out what an agent has not. */
const agentPage = (html: Uint8Array): Uint8Array => utf8(utf8Text(html).replace('<html', '<html data-mode="agent"'));

/** Routes of the page. */
export function pageRoutes(assets: PageAssets, routePrefix: string): Route[] {
  const page = (exchange: Exchange): Answer => assetAnswer(assets.get('index.html'), exchange);
  const redirect = (exchange: Exchange): Answer => {
    const { url } = exchange.request;
    const question = url.indexOf('?');
    return {
      status: 302,
      contentType: '',
      body: null,
      headers: { location: `${routePrefix}/query${question < 0 ? '' : url.slice(question)}` },
    };
  };
  return [
    ...PAGES.map((path): Route => ({ path, methods: ['GET', 'HEAD'], always: true, isPage: true, handle: page })),
    { path: '/graph', methods: ['GET', 'HEAD'], always: true, isPage: true, handle: redirect },
    {
      path: '/assets/:name',
      methods: ['GET', 'HEAD'],
      always: true,
      isPage: true,
      handle: (exchange) => assetAnswer(assets.get(exchange.pathParameter('name')), exchange),
    },
  ];
}

function assetAnswer(asset: Asset | undefined, exchange: Exchange): Answer {
  if (!asset) return plainError(404, '404 page not found');
  const headers = { ...SECURITY_HEADERS, etag: asset.etag, 'cache-control': 'no-cache' };
  const known = exchange.header('if-none-match');
  if (known === '*' || known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === asset.etag)) {
    return { status: 304, contentType: '', body: null, headers };
  }
  return { status: 200, contentType: asset.contentType, body: asset.body, gzipBody: asset.gzipBody, headers };
}
