import type { DocumentPlan, DocumentStrategy } from '../change/document-plan.ts';
import { type GovernedConfig, type GovernedDocument, isChanged } from '../change/governed-document.ts';
import type { Violation } from '../errors.ts';
import { newFields } from '../kinds/config-invariants.ts';
import { configScope } from '../kinds/config-layers.ts';

/** The slowest rollout there is. */
const SLOWEST_STAGES = ['1%', '10%', '50%', '100%'];

/**
 * Judges how a batch would reach its consumers: that each kind can travel that way, that a config which consumers
 * hold already meets a few of them first, and that fields which they have never read come slowest of all.
 */
export function judgeDocumentRollout(
  plan: Pick<DocumentPlan, 'strategy' | 'stages' | 'rollout'>,
  documents: readonly GovernedDocument[],
  emergency: boolean,
): Violation[] {
  const changed = documents.filter(isChanged);
  return [
    ...(plan.rollout.consumers === 'none' ? judgeUnread(changed) : []),
    ...changed.flatMap((one) => judgeStrategy(one, plan.strategy, documents, emergency)),
    ...changed.flatMap((one) => (one.kind === 'config' ? judgeNewFields(one, plan) : [])),
    ...judgeFirstStage(plan, changed),
  ];
}

/** Only of a config that is new can its author know that nobody reads it; a layer is read through what lies over it. */
function judgeUnread(changed: readonly GovernedDocument[]): Violation[] {
  const read = changed.filter(
    (one) => one.kind === 'config' && (one.before !== null || configScope(one.resource).isLayer),
  );
  const configs = changed.filter(({ kind }) => kind === 'config');
  if (read.length === 0 && configs.length > 0) return [];
  const why =
    configs.length === 0
      ? 'There is no config here to be watched.'
      : `Services may read ${read.map(({ resource }) => resource).join(', ')} already.`;
  return [
    {
      code: 'INVARIANT_VIOLATED',
      rule: 'nobody-reads-what-is-new',
      path: 'spec.rollout.consumers',
      message: why,
      remedy: 'Leave out spec.rollout.consumers, or make a request of its own for the new configs.',
    },
  ];
}

/** A schema has no readers of its own: by itself it is live at once, in a batch it goes along with the rest. */
function strategiesOf(
  one: GovernedDocument,
  documents: readonly GovernedDocument[],
  emergency: boolean,
): readonly DocumentStrategy[] {
  switch (one.kind) {
    case 'config':
      return one.before === null || emergency ? ['consumers', 'zones', 'at-once'] : ['consumers', 'zones'];
    case 'switch':
      return ['at-once', 'zones'];
    // One set of rules for everybody: half of the roles under another policy would agree on nothing.
    case 'policy':
      return ['at-once'];
    case 'schema':
      return documents.every((other) => other.kind === 'schema')
        ? ['at-once']
        : ['consumers', 'zones', 'at-once'];
  }
}

function judgeStrategy(
  one: GovernedDocument,
  strategy: DocumentStrategy,
  documents: readonly GovernedDocument[],
  emergency: boolean,
): Violation[] {
  const possible = strategiesOf(one, documents, emergency);
  if (possible.includes(strategy)) return [];
  return [
    {
      code: 'INVARIANT_VIOLATED',
      rule: 'strategy-of-kind',
      path: 'spec.rollout.strategy',
      message: `${one.resource} cannot roll out by the strategy ${strategy}.`,
      remedy: `Use ${possible.join(' or ')}, or make a request of its own for it.`,
    },
  ];
}

/** July 2024: a channel file used a field for the first time, on every machine at once. */
function judgeNewFields(
  { resource, path, before, after }: GovernedConfig,
  { strategy, stages }: Pick<DocumentPlan, 'strategy' | 'stages'>,
): Violation[] {
  if (before === null || after === null) return [];
  const isSlowest =
    strategy === 'consumers' && stages.map((stage) => stage.name).join() === SLOWEST_STAGES.join();
  const fields = isSlowest ? [] : newFields(before, after);
  if (fields.length === 0) return [];
  const shown = [...fields.slice(0, 5), ...(fields.length > 5 ? [`${fields.length - 5} more`] : [])];
  return [
    {
      code: 'INVARIANT_VIOLATED',
      rule: 'new-fields-slowest',
      path: `${path}.body.value`,
      message: `No consumer of ${resource} has ever read ${shown.join(', ')}.`,
      remedy: 'Roll out with the strategy consumers and the stages [1, 10, 50, 100].',
    },
  ];
}

/** A first stage for everybody is no canary, whatever the strategy is called. */
function judgeFirstStage(
  { strategy, stages }: Pick<DocumentPlan, 'strategy' | 'stages'>,
  changed: readonly GovernedDocument[],
): Violation[] {
  const configs = changed.filter((one) => one.kind === 'config' && one.before !== null);
  if (strategy === 'at-once' || configs.length === 0 || (stages[0]?.percent ?? 0) < 100) return [];
  const field = strategy === 'zones' ? 'zones' : 'stages';
  return [
    {
      code: 'INVARIANT_VIOLATED',
      rule: 'canary-first',
      path: `spec.rollout.${field}`,
      message: `${configs.map((one) => one.resource).join(', ')} would reach every consumer with the first stage.`,
      remedy:
        strategy === 'zones'
          ? 'List all zones of the environment in spec.rollout.zones, at least two.'
          : 'Put at least one share below 100 into spec.rollout.stages.',
    },
  ];
}
