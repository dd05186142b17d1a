// Names of tenants, with the limits that Cortex and Mimir set.
import { goQuote } from './go-text.ts';

const LENGTH_MAX = 150;
const ALLOWED = /^[a-zA-Z0-9!\-_.*'()]+$/;

/** Why a text cannot name a tenant, or null. */
export function tenantProblem(name: string): string | null {
  if (name === '') return 'tenant ID is empty';
  if (name.length > LENGTH_MAX) return `tenant ID is too long: max ${LENGTH_MAX} characters; got ${name.length}`;
  if (!ALLOWED.test(name)) {
    const bad = [...name].find((character) => !ALLOWED.test(character)) as string;
    return `tenant ID ${goQuote(name)} contains unsupported character ${goQuote(bad)}`;
  }
  return name === '.' || name === '..' ? `tenant ID ${goQuote(name)} is not allowed` : null;
}
