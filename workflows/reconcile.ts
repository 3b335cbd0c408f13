import { ActivityFailure, log, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { OrchestratorActivities } from '../activities/index.ts';
import type { Finding } from '../domain/reconcile/judge-environment.ts';
import { brakes, enactor } from './activities.ts';
import { failureOf } from './change-run.ts';
import type {
  ReconciledFinding,
  ReconcileInput,
  Reconciliation,
  RecoverInput,
  Recovery,
} from './contract.ts';

/** A survey of many zones takes longer than a step of a change. */
const surveyor: OrchestratorActivities = proxyActivities<OrchestratorActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '4 seconds',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '5 seconds', maximumAttempts: 5 },
});

/** The reconciler (DESIGN G7): what it may do is proven by the log; everything else it says. */
export async function reconcile({ page }: ReconcileInput): Promise<Reconciliation> {
  const found = await surveyor.survey();
  const reconciliation = { ...found, findings: await mend(found.findings) };
  if (page) await pageWhatIsNew(reconciliation.findings);
  return reconciliation;
}

/**
 * After the engine was lost. First the fences: what the old engine still has in flight is refused from then on. Then
 * the open changes begin again, or go back.
 */
export async function recover({ causeIndex }: RecoverInput): Promise<Recovery> {
  const raised = await brakes.raiseFences({ causeIndex });
  const reconciliation = await reconcile({ page: false });
  await surveyor.keepReconciling();
  return { raised, ...reconciliation };
}

/** Outcomes first, while the changes that they belong to are sure to be open. */
async function mend(findings: readonly Finding[]): Promise<ReconciledFinding[]> {
  const settled = new Map<string, Promise<Attempt>>();
  for (const { action, zone } of findings) {
    if (action !== 'settle' || zone === undefined || settled.has(zone)) continue;
    settled.set(
      zone,
      attempt('settled', () => enactor.settleZone({ zone })),
    );
  }
  await Promise.all(settled.values());
  return Promise.all(
    findings.map(async (finding): Promise<ReconciledFinding> => {
      const { action, subject, zone } = finding;
      if (action === 'restart') {
        const done = attempt('restarted', () => surveyor.restartChange({ changeId: subject }));
        return { ...finding, ...(await done) };
      }
      return { ...finding, ...((await settled.get(zone ?? '')) ?? { done: 'nothing', why: null }) };
    }),
  );
}

type Attempt = Pick<ReconciledFinding, 'done' | 'why'>;

/** One that fails does not keep the others from being tried. */
async function attempt(done: 'restarted' | 'settled', work: () => Promise<void>): Promise<Attempt> {
  try {
    await work();
    return { done, why: null };
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return { done: 'failed', why: failureOf(error).message };
  }
}

/** Drift stays for hours: who was paged for it is not paged each minute. A zone that is busy or away is no news. */
async function pageWhatIsNew(findings: readonly ReconciledFinding[]): Promise<void> {
  const before = workflowInfo().lastResult as Reconciliation | undefined;
  const known = new Set((before?.findings ?? []).map(keyOf));
  for (const finding of findings) {
    if (known.has(keyOf(finding)) || finding.done === 'settled' || finding.rule === 'unread-zone') continue;
    const { subject, message, remedy, done } = finding;
    try {
      await surveyor.page({ changeId: subject, summary: `${message} Done: ${done}.`, next: remedy });
    } catch (error) {
      log.error('page failed', { subject, error: String(error) });
    }
  }
}

function keyOf({ rule, subject, done }: ReconciledFinding): string {
  return [rule, subject, done].join(' ');
}
