import type { World } from '../io/index.ts';
export const createHostExporter = (_world: World) => ({ render: async () => '' });
