import type { Violation } from '../errors.ts';
import type { DocumentKind } from '../kinds/documents.ts';
import type { DocumentStage, DocumentStrategy } from './document-plan.ts';
import type { ChangeRequest } from './request.ts';

/**
 * How a batch travels when its author does not say: the slowest way that its kinds share. A schema has no readers of
 * its own and goes along with the rest. What nobody reads has nobody to go to first.
 */
export function defaultStrategy(
  kinds: readonly DocumentKind[],
  { consumers }: Pick<ChangeRequest['spec']['rollout'], 'consumers'>,
): DocumentStrategy {
  if (!kinds.includes('config') || consumers === 'none') return 'at-once';
  return kinds.includes('switch') ? 'zones' : 'consumers';
}

/**
 * The stages of a strategy. Configs are watched before the next stage; switches never are, because they act within
 * seconds or for nothing, and a schema has nobody to watch.
 */
export function documentStages(
  strategy: DocumentStrategy,
  rollout: Pick<ChangeRequest['spec']['rollout'], 'stages' | 'zones'>,
  kinds: readonly DocumentKind[],
): { stages: DocumentStage[]; violations: Violation[] } {
  const baked = kinds.includes('config');
  switch (strategy) {
    case 'consumers': {
      const stages = rollout.stages.map((percent) => ({ name: `${percent}%`, percent, zones: [], baked }));
      return { stages, violations: [] };
    }
    case 'zones': {
      const zones = rollout.zones ?? [];
      const stages = zones.map((name, i) => ({
        name,
        percent: Math.floor((100 * (i + 1)) / zones.length),
        zones: zones.slice(0, i + 1),
        baked,
      }));
      return { stages, violations: zones.length > 0 ? [] : [zonesMissing()] };
    }
    case 'at-once':
      return { stages: [{ name: 'all', percent: 100, zones: [], baked }], violations: [] };
  }
}

function zonesMissing(): Violation {
  return {
    code: 'INVARIANT_VIOLATED',
    rule: 'zones-are-listed',
    path: 'spec.rollout',
    message: 'Configs and switches together move zone by zone, and the request lists no zones.',
    remedy: 'List all zones in spec.rollout.zones, or make a request of its own for the switches.',
  };
}
