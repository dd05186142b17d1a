// Tokens of cloud providers: who asks for one, and who shows it.
import { createVerify, generateKeyPairSync } from 'node:crypto';
import type { HttpRequest } from '../../src/io/index.ts';
import type { Answer } from './discovery-talk.ts';

const { privateKey, publicKey: shown } = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** The key pair of the tests. */
export const publicKey = shown;
export const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** Answers with a token if the assertion of the form is signed by the key of the test. */
export const tokenFor =
  (algorithm: 'RSA-SHA256' | 'RSA-SHA512', claims: Record<string, string>): Answer =>
  (request: HttpRequest) => {
    const form = new URLSearchParams(String(request.body));
    const [head, body, signature] = (form.get('assertion') ?? '').split('.');
    const isSigned = createVerify(algorithm).update(`${head}.${body}`).verify(publicKey, signature, 'base64url');
    const said = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
    const isRight = isSigned && Object.entries(claims).every(([name, value]) => said[name] === value);
    return isRight ? { body: { access_token: 'tok', expires_in: 3600 } } : { status: 401 };
  };

/** The answer, if the request has the token. */
export const withToken =
  (header: string, value: string, body: unknown, headers = {}): Answer =>
  (request) =>
    request.headers?.[header] === value ? { body, headers } : { status: 401 };

/** The answer, if the request has the token that tokenFor() gives. */
export const bearer = (body: unknown): Answer => withToken('Authorization', 'Bearer tok', body);
