// Label names from names of other systems.

/** A name with all that a label name may not hold replaced by `_`, for use behind a prefix. */
export const sanitizeLabelName = (name: string): string => name.replace(/[^a-zA-Z0-9_]/gu, '_');

/** `host:port`, with brackets around an IPv6 address, as Go's net.JoinHostPort. */
export const joinHostPort = (host: string, port: number | string): string =>
  host.includes(':') || host.includes('%') ? `[${host}]:${port}` : `${host}:${port}`;
