// File trouble in our codes: what a caller may act on, and the path for the person who reads it.
import { TidemarkError } from '../base/index.ts';

/** Codes of errors from files. */
export type FileErrorCode =
  | 'not_found'
  | 'already_exists'
  | 'disk_full'
  | 'permission_denied'
  | 'locked'
  | 'bad_path'
  | 'io_error';

const known: Readonly<Record<string, readonly [FileErrorCode, string]>> = {
  ENOENT: ['not_found', 'no such file or directory'],
  ENOTDIR: ['not_found', 'a part of the path is not a directory'],
  EEXIST: ['already_exists', 'it exists'],
  ENOSPC: ['disk_full', 'no space left on device'],
  EDQUOT: ['disk_full', 'disk quota exceeded'],
  EACCES: ['permission_denied', 'permission denied'],
  EPERM: ['permission_denied', 'operation not permitted'],
  EROFS: ['permission_denied', 'read-only file system'],
};

/** A TidemarkError for an error of the operating system. `verb` is what was tried, such as 'open'. */
export function fileError(verb: string, path: string, cause: unknown): TidemarkError {
  if (cause instanceof TidemarkError) return cause;
  const systemCode = (cause as { code?: string }).code ?? '';
  const [code, fact] = known[systemCode] ?? ['io_error', (cause as Error).message];
  return new TidemarkError(code, `cannot ${verb} ${path}: ${fact}`, { cause });
}

/** Whether an error is a TidemarkError with this code. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof TidemarkError && error.code === code;
}

/** The path, without empty and '.' parts; throws `bad_path` when it could leave the root. */
export function cleanPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (path.startsWith('/') || parts.includes('..') || path.includes('\0')) {
    throw new TidemarkError('bad_path', `cannot use path: it must be relative and stay below its root; got ${path}`);
  }
  return parts.join('/');
}

/** The directory a clean path is in; '' is the root. */
export const parentPath = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
