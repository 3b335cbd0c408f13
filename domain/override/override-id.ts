/**
 * How the id of every override begins, and of no request. An override may have happened before the log hears of it, so
 * nothing that comes into the log meanwhile may have its id.
 */
export const OVERRIDE_ID_PREFIX = 'bg-';
