import { Client, Connection } from '@temporalio/client';
import { logLineText } from '../../client/cli/log-text.ts';
import { openPerson } from '../../client/compose.ts';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import { signStatement } from '../../domain/evidence/statement-codec.ts';
import { type DecideAnswer, type DecideMessage, MESSAGES } from '../../workflows/contract.ts';
import type { Demo } from './demo.ts';

const LIFETIME_MS = 60_000;

/**
 * What if Alice's tool did not ask first? She signs an approval of her own change, with her own key, and hands it
 * straight to the engine: it is refused there too, and the attempt is on record.
 */
export async function selfApproval(demo: Demo, changeId: string): Promise<void> {
  const { connected, installation } = demo;
  const { environment, temporal } = installation;
  const nonce = 'alice-past-her-own-tool';
  const approval = await signStatement(openPerson(installation, 'alice').signer, 'approval', {
    changeId,
    environment,
    approver: 'alice',
    decision: 'approve',
    planDigest: digestOf(await connected.controlPlane.planOf(changeId)),
    nonce,
    issuedAt: new Date().toISOString(),
    expiresAt: new Date(Date.now() + LIFETIME_MS).toISOString(),
  });
  const connection = await Connection.connect({ address: temporal.address });
  try {
    const { workflow } = new Client({ connection, namespace: temporal.namespace });
    const { accepted, reasons, index } = await workflow
      .getHandle(changeId)
      .executeUpdate<DecideAnswer, [DecideMessage]>(MESSAGES.decide, {
        args: [{ approval }],
        updateId: nonce,
      });
    const rules = reasons.map(({ rule }) => rule).join(', ');
    demo.prove(
      `what she then signed past her own tool is refused (${rules}), and on record`,
      !accepted && index !== null,
    );
    for (const line of await connected.controlPlane.history(changeId)) {
      if (line.index === index) process.stdout.write(logLineText(line, demo.style));
    }
  } finally {
    await connection.close();
  }
}
