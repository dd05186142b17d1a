// XML-RPC (http://xmlrpc.com/spec.md): calls and answers as JSON values.
import { TidemarkError } from '../../../base/index.ts';
import { type XmlElement, parseXml } from '../../../base/index.ts';

export type RpcValue = string | number | boolean | readonly RpcValue[];

const escaped = (text: string): string =>
  text.replace(/[&<>]/g, (char) => (char === '&' ? '&amp;' : char === '<' ? '&lt;' : '&gt;'));

function encoded(value: RpcValue): string {
  if (typeof value === 'string') return `<value><string>${escaped(value)}</string></value>`;
  if (typeof value === 'number') return `<value><int>${value}</int></value>`;
  if (typeof value === 'boolean') return `<value><boolean>${value ? 1 : 0}</boolean></value>`;
  return `<value><array><data>${value.map(encoded).join('')}</data></array></value>`;
}

/** The body of a call. Numbers are whole ones. */
export const rpcCall = (method: string, args: readonly RpcValue[]): string =>
  `<?xml version="1.0" encoding="UTF-8"?><methodCall><methodName>${escaped(method)}</methodName><params>${args
    .map((arg) => `<param>${encoded(arg)}</param>`)
    .join('')}</params></methodCall>`;

const bad = (text: string): TidemarkError => new TidemarkError('bad_discovery', text);

/** The value of an answer: objects, lists, texts, numbers, booleans. Throws TidemarkError for a fault, too. */
export function rpcAnswer(text: string): unknown {
  const root = parseXml(text);
  const fault = root.child('fault', 'value');
  if (fault) {
    const { faultCode, faultString } = decoded(fault) as { faultCode?: unknown; faultString?: unknown };
    throw bad(`server answered with fault ${String(faultCode)}: ${String(faultString)}`);
  }
  const value = root.child('params', 'param', 'value');
  if (!value) throw bad('cannot read answer: there is no value');
  return decoded(value);
}

function decoded(value: XmlElement): unknown {
  const [inner] = value.children;
  if (!inner) return value.text; // without a type it is a text
  switch (inner.name) {
    case 'struct':
      return Object.fromEntries(inner.childrenOf('member').map(member));
    case 'array':
      return (inner.child('data')?.childrenOf('value') ?? []).map(decoded);
    case 'int':
    case 'i4':
    case 'i8':
    case 'double':
      return numberOf(inner);
    case 'boolean':
      return inner.text.trim() === '1';
    case 'nil':
      return null;
    default:
      return inner.text;
  }
}

function member(element: XmlElement): [string, unknown] {
  const value = element.child('value');
  if (!value) throw bad('cannot read answer: a member has no value');
  return [element.textOf('name'), decoded(value)];
}

function numberOf(element: XmlElement): number {
  const number = Number(element.text.trim() || Number.NaN);
  if (Number.isNaN(number)) throw bad(`cannot read answer: an ${element.name} is no number`);
  return number;
}
