import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { ZoneSwitch } from '../../activities/ports/zone-switch.ts';

const switchSchema = z.strictObject({
  healthy: z.boolean(),
  frozen: z.boolean(),
  reason: z.string().optional(),
});

/**
 * The zone's word as a small JSON file (a mounted ConfigMap, or what a local health check writes). Read afresh for
 * each vote. Missing or malformed means frozen and unhealthy: uncertainty is a no.
 */
export function createFileZoneSwitch(path: string): ZoneSwitch {
  return {
    async read() {
      try {
        const { healthy, frozen, reason } = switchSchema.parse(JSON.parse(await readFile(path, 'utf8')));
        return { healthy, frozen, ...(reason === undefined ? {} : { reason }) };
      } catch (error) {
        const why = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
        return { healthy: false, frozen: true, reason: `its switch is unreadable (${why})` };
      }
    },
  };
}
