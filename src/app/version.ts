// The program's version, in one place. Clients take features from it, so it follows semantic versions.
export const VERSION = '0.1.0';
