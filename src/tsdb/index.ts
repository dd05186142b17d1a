export { Head } from './head.ts';
export { HeadSource } from './head-source.ts';
export { SegmentLog } from './log.ts';
export { listSegments, replayLog } from './log-segments.ts';
export { LocalShardPort, type ShardPort } from './shard-port.ts';
export { Shard, type ShardOptions, type ShardStats } from './shard.ts';
export { INTAKE_SETTINGS_DEFAULT, Intake, type IntakeParts, type IntakeSettings, isBusy } from './intake.ts';
export { type Manifest, SHARDS_MAX, openManifest, parseManifest } from './manifest.ts';
