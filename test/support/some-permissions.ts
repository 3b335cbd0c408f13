import { digestOf } from '../../domain/evidence/canonical-json.ts';
import type { PermissionsVersion } from '../../domain/permissions/in-force.ts';

/** Rules of no environment, for plans in tests that are not about permissions. */
export const SOME_PERMISSIONS: PermissionsVersion = {
  policyDigest: digestOf('some policy'),
  trustVersion: 1,
};
