import type { ChangeLog } from '../activities/ports/change-log.ts';
import type { S3ChangeLog } from '../infra/aws/s3-change-log.ts';
import type { LastGood, LastGoodFile } from '../infra/files/file-last-good.ts';

/**
 * A log whose reader writes down, after each reading that went further, where it is: the next command goes on from
 * there, and finds out whether the log was shortened or replaced meanwhile.
 */
export function createRememberedLog(
  log: S3ChangeLog,
  memory: Pick<LastGoodFile, 'keep'>,
  about: Pick<LastGood, 'environment' | 'trustDigest'> & { nowMs(): number },
): ChangeLog {
  const { environment, trustDigest, nowMs } = about;
  let keptSize = log.position().state.size;

  async function remember(): Promise<void> {
    const position = log.position();
    if (position.state.size <= keptSize) return;
    keptSize = position.state.size;
    const verifiedAt = new Date(nowMs()).toISOString();
    await memory.keep({ environment, trustDigest, verifiedAt, position });
  }

  return {
    ...log,
    async sync(options) {
      const state = await log.sync(options);
      await remember();
      return state;
    },
    async append(envelopes) {
      const fates = await log.append(envelopes);
      await remember();
      return fates;
    },
  };
}
