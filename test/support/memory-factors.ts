import type { FactorStore } from '../../activities/ports/factor-store.ts';
import type { EnrolledFactor } from '../../domain/approval/enrolled-factor.ts';
import { type FactorUse, UNUSED } from '../../domain/approval/factor-use.ts';
import { PortError } from '../../domain/errors.ts';
import { digestOf } from '../../domain/evidence/canonical-json.ts';

/** A store of second factors that several verifiers may share, as they share a bucket. */
export function createMemoryFactors(): FactorStore & { uses: Map<string, FactorUse> } {
  const factors = new Map<string, EnrolledFactor>();
  const uses = new Map<string, FactorUse>();
  const versions = new Map<string, number>();
  return {
    uses,
    async enrol(person, factor) {
      const commitment = digestOf(factor);
      factors.set(`${person} ${commitment}`, factor);
      return commitment;
    },
    async factor(person, commitment) {
      const found = factors.get(`${person} ${commitment}`);
      if (found) return found;
      throw new PortError('NOT_FOUND', 'not kept here');
    },
    async use(person, commitment) {
      const key = `${person} ${commitment}`;
      const version = versions.get(key);
      return {
        use: uses.get(key) ?? UNUSED,
        version: version === undefined ? null : `${version}`,
        isAlone: false,
      };
    },
    async replaceUse(person, commitment, use, version) {
      const key = `${person} ${commitment}`;
      const now = versions.get(key);
      if ((now === undefined ? null : `${now}`) !== version) return false;
      uses.set(key, use);
      versions.set(key, (now ?? 0) + 1);
      return true;
    },
  };
}
