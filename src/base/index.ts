export { ByteLines } from './byte-lines.ts';
export { ByteReader, ByteWriter, freeBytes, utf8, utf8Text } from './bytes.ts';
export { crc32c } from './crc32c.ts';
export { InvariantError, TidemarkError, corruptError, errorText, invariant, isCorrupt } from './errors.ts';
export { type Logger, silentLogger } from './logger.ts';
export {
  Counter,
  DISK_BOUNDS_SECONDS,
  Gauge,
  Histogram,
  LATENCY_BOUNDS_SECONDS,
  type MetricLabels,
  MetricRegistry,
} from './metrics.ts';
export { XmlElement, parseXml } from './xml.ts';
