export type { Command } from './command.ts';
export { Head } from './head.ts';
export type { Exemplar, ExemplarSelection, SeriesExemplars } from './head-exemplars.ts';
export { HeadSource } from './head-source.ts';
export { SegmentLog } from './log.ts';
export { type FollowedPiece, type FollowedRecord, LogFollower } from './log-follower.ts';
export { listSegments, replayLog, segmentPath } from './log-segments.ts';
export { isCommand } from './command.ts';
export { readJsonFile, writeJsonFile } from './json-file.ts';
export type { Retention } from './life-cycle.ts';
export { LIFE_CYCLE_POLICY_DEFAULT, type LifeCyclePolicy } from './life-cycle-policy.ts';
export { LocalShardPort, type ShardPort } from './shard-port.ts';
export { Shard, type ShardOptions, type ShardStats } from './shard.ts';
export { INTAKE_SETTINGS_DEFAULT, Intake, type IntakeParts, type IntakeSettings, isBusy } from './intake.ts';
export { MANIFEST, type Manifest, SHARDS_MAX, manifestText, openManifest, parseManifest } from './manifest.ts';
export { BlockImport, type BlockImportOptions, type ImportedBlock } from './import/block-import.ts';
export {
  type ListedBlock,
  type MetricBytes,
  type VerifiedFile,
  type VerifyOptions,
  listBlocks,
  metricBytes,
  verifyStore,
} from './inspect.ts';
