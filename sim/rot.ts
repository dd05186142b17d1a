import type { SimRandom } from '../src/io/index.ts';
import type { SessionParts } from './session.ts';

export async function rot(_parts: SessionParts, _random: SimRandom): Promise<void> {}
