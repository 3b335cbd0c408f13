/**
 * What the doctor found of one thing. `wrong`: it is there and not as it must be. `missing`: it does not answer, or is
 * not there. `unknown`: this person may not look, so nobody should believe that it is well.
 */
export interface Finding {
  /** What was looked at: `clock`, `keys`, `bucket`, … */
  check: Check;
  state: 'well' | 'note' | 'unknown' | 'missing' | 'wrong';
  found: string;
  /** What to do; null where nothing is to be done. */
  next: string | null;
}

export type Check =
  | 'trust'
  | 'keys'
  | 'clock'
  | 'bucket'
  | 'log'
  | 'checkpoint'
  | 'zones'
  | 'engine'
  | 'workers';

export function well(check: Check, found: string): Finding {
  return { check, state: 'well', found, next: null };
}

export function finding(
  check: Check,
  state: Exclude<Finding['state'], 'well'>,
  found: string,
  next: string,
): Finding {
  return { check, state, found, next };
}
