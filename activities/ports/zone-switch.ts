/**
 * An availability zone's own word, which its voter reads for itself: is the zone healthy, and has somebody on the
 * ground frozen it? Unreadable means frozen and unhealthy.
 */
export interface ZoneSwitch {
  read(): Promise<{ healthy: boolean; frozen: boolean; reason?: string }>;
}
