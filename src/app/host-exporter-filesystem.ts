// Space of mounted file systems, node_filesystem_*. Kernel and container file systems are left out, as node_exporter does.
import type { Family } from './host-exporter-text.ts';

/** Bytes of a file system. */
export interface FilesystemSpace {
  readonly sizeBytes: number;
  readonly freeBytes: number;
  /** Free for users who are not root. */
  readonly availableBytes: number;
}

interface Mount {
  readonly device: string;
  readonly mountpoint: string;
  readonly fstype: string;
}

const TYPES_IGNORED =
  /^(?:autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$/;
const MOUNTS_IGNORED = /^\/(?:dev|proc|sys|run\/credentials\/.+|var\/lib\/(?:docker|containers)\/.+)(?:$|\/)/;

const FAMILIES = [
  ['node_filesystem_size_bytes', 'Size of the file system.', 'sizeBytes'],
  ['node_filesystem_free_bytes', 'Free space of the file system.', 'freeBytes'],
  ['node_filesystem_avail_bytes', 'Free space for users who are not root.', 'availableBytes'],
] as const;

// /proc/mounts writes blanks and backslashes as three octal digits.
const unescapeOctal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));

/** The mounts worth showing: one per mount point, the last one, which is the one on top. */
export function realMounts(mounts: string): Mount[] {
  const found = new Map<string, Mount>();
  for (const line of mounts.split('\n')) {
    const [device, point, fstype] = line.split(' ');
    if (fstype === undefined) continue;
    const mountpoint = unescapeOctal(point);
    if (TYPES_IGNORED.test(fstype) || MOUNTS_IGNORED.test(mountpoint)) continue;
    found.set(mountpoint, { device: unescapeOctal(device), mountpoint, fstype });
  }
  return [...found.values()];
}

/** Families of all real mounts. One that cannot be asked shows in node_filesystem_device_error. */
export async function filesystemFamilies(
  mounts: string,
  spaceOf: (path: string) => Promise<FilesystemSpace>,
): Promise<Family[]> {
  const found = await Promise.all(
    realMounts(mounts).map(async (mount) => ({ mount, space: await spaceOf(mount.mountpoint).catch(() => undefined) })),
  );
  const families = FAMILIES.map(([name, help, field]): Family => {
    const samples = found.flatMap(({ mount, space }) => (space ? [{ labels: { ...mount }, value: space[field] }] : []));
    return { name, help, type: 'gauge', samples };
  });
  const errors: Family = {
    name: 'node_filesystem_device_error',
    help: '1: the file system could not be asked.',
    type: 'gauge',
    samples: found.map(({ mount, space }) => ({ labels: { ...mount }, value: space ? 0 : 1 })),
  };
  return [...families, errors];
}
