export type { Discoverer, DiscoveryReport, EmitGroups, TargetGroup } from './discoverer.ts';
export { FileDiscovery, type FileDiscoveryOptions } from './file.ts';
export { HttpDiscovery, type HttpDiscoveryOptions } from './http.ts';
export { SharedDiscovery } from './shared.ts';
export { StaticDiscovery } from './static.ts';
export { type MakeDiscoverer, discoveryKinds, makeDiscoverers } from './kinds.ts';
export type { DiscoveryWorld } from './world.ts';
export { groupsOfFile, targetGroups } from './target-groups.ts';
