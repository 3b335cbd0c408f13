import type { ControlPlaneClient } from './control-plane-client.ts';

export type * from './control-plane-client.ts';

export interface ControlPlaneClientOptions {
  environment: string;
  aws: {
    /** Absent: AWS itself. */
    endpoint?: string | undefined;
    region: string;
    bucket: string;
    /** Absent: the AWS SDK's own credential chain. Reading the log and putting reports is all they need to allow. */
    credentials?: { accessKeyId: string; secretAccessKey: string } | undefined;
  };
  /** The signed trust document, and the digest that it must have. */
  trustFile: string;
  trustDigest: string;
  /** Who reads. The instance's id should stay over restarts; the zone is its availability zone. */
  service: string;
  instanceId: string;
  zone: string;
  /** Folder of this instance alone, for its last-good copy. */
  dir: string;
  /** The longest wait between two readings of the log; jitter makes it shorter, down to half. Default 1000. */
  pollIntervalMs?: number;
  /** How often health is reported while a change is exposed. Default 5000. */
  reportIntervalMs?: number;
}

/**
 * Resolves when there is something verified to serve: from the log, else from the copy on disk. Throws when there is
 * neither (`STORE_UNAVAILABLE`, `THROTTLED`, `NOT_PERMITTED`, `LOG_FORKED`, `DIGEST_MISMATCH`), for a trust document
 * other than the pinned one (`DIGEST_MISMATCH`), and for a damaged copy on disk (`DIGEST_MISMATCH`).
 */
export async function createControlPlaneClient(
  _options: ControlPlaneClientOptions,
): Promise<ControlPlaneClient> {
  throw new Error('not written yet');
}
