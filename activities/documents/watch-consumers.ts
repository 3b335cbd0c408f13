import type { DocumentPlan, DocumentStage } from '../../domain/change/document-plan.ts';
import type { Watched } from '../judge-stage.ts';
import type { PacedWait } from '../ports/paced-wait.ts';
import type { AnalysisPorts } from '../role-ports.ts';

export async function watchConsumers(
  _ports: AnalysisPorts & PacedWait,
  _plan: DocumentPlan,
  _stage: DocumentStage,
): Promise<Watched> {
  throw new Error('not written yet');
}
