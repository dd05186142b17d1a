import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyChoice } from '../../src/io/http-proxy.ts';

const P = 'http://proxy:1';

test('hosts of no_proxy are reached directly', () => {
  const direct = (noProxy: string, ...urls: string[]) => {
    const choose = proxyChoice({ proxyUrl: P, noProxy });
    for (const url of urls) assert.equal(choose(url), undefined, `${noProxy} ${url}`);
  };
  const proxied = (noProxy: string, ...urls: string[]) => {
    const choose = proxyChoice({ proxyUrl: P, noProxy });
    for (const url of urls) assert.equal(choose(url), P, `${noProxy} ${url}`);
  };
  direct('*', 'http://a', 'https://10.0.0.1');
  direct('example.com', 'http://example.com', 'http://a.b.example.com:9', 'https://EXAMPLE.com./x');
  proxied('example.com', 'http://notexample.com', 'http://example.com.evil', 'http://com');
  direct('.example.com', 'http://a.example.com');
  proxied('.example.com', 'http://example.com');
  direct('*.example.com', 'http://a.example.com');
  direct('example.com:8080', 'http://example.com:8080');
  proxied('example.com:8080', 'http://example.com', 'http://example.com:8081');
  direct('example.com:443', 'https://example.com');
  direct('10.0.0.0/8, fd00::/8', 'http://10.1.2.3:9100', 'http://[fd00::1]:9100');
  proxied('10.0.0.0/8', 'http://11.1.2.3', 'http://10.example');
  direct('10.0.0.1', 'http://10.0.0.1:9');
  proxied('10.0.0.1', 'http://10.0.0.11');
  direct(' a , b ', 'http://a', 'http://b');
  direct('x', 'http://localhost:1', 'http://127.8.8.8', 'http://[::1]:5');
  proxied('10.0.0.0/99, a/8, , .', 'http://b');
});

test('without such a list every host is behind the proxy', () => {
  assert.equal(proxyChoice({ proxyUrl: P })('http://localhost'), P);
  assert.equal(proxyChoice({})('http://a'), undefined);
});

test('the environment has a proxy for each scheme', () => {
  const choose = proxyChoice({ proxyUrls: { https: P }, noProxy: 'b' });
  assert.equal(choose('https://a'), P);
  assert.equal(choose('http://a'), undefined);
  assert.equal(choose('https://b'), undefined);
});
