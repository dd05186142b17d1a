// JSON Web Tokens signed with an RSA key (RFC 7519, RFC 7518): what services take in exchange for an access token.
import { createSign } from 'node:crypto';
import { TidemarkError } from '../base/index.ts';

/** RSA with SHA-2 of so many bits. */
export type JwtAlgorithm = 'RS256' | 'RS384' | 'RS512';

const HASH = { RS256: 'RSA-SHA256', RS384: 'RSA-SHA384', RS512: 'RSA-SHA512' } as const;

const base64Json = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A signed token. `key` is PEM. Throws TidemarkError `oauth2_failed` for a key that cannot sign; never quotes it. */
export function signedJwt(algorithm: JwtAlgorithm, keyId: string, claims: object, key: string): string {
  const head = { alg: algorithm, typ: 'JWT', ...(keyId !== '' && { kid: keyId }) };
  const text = `${base64Json(head)}.${base64Json(claims)}`;
  try {
    return `${text}.${createSign(HASH[algorithm]).update(text).sign(key, 'base64url')}`;
  } catch {
    throw new TidemarkError('oauth2_failed', 'cannot sign token: the private key is not an RSA key in PEM');
  }
}
