import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import { type ReplayedDecision, replayChange } from '../../../domain/evidence/replay-change.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import { DOCUMENTS, documentChange } from '../../support/audited-documents.ts';
import { auditedLog, BAD, GOOD, LogWriter, trust } from '../../support/audited-log.ts';
import { acceptance, ENVIRONMENT } from '../../support/sample-log.ts';

function replay(writer: LogWriter, changeId = GOOD): Promise<ReplayedDecision[]> {
  return replayChange({
    changeId,
    environment: ENVIRONMENT,
    trust,
    verify: verifyEd25519,
    body: async (digest) => writer.bodies.get(digest) ?? null,
    async *entries() {
      yield* writer.entries;
    },
  });
}

const notSame = (decisions: ReplayedDecision[]) =>
  decisions.filter(({ result }) => result !== 'same').map(({ decision, result }) => `${decision} ${result}`);

async function planned(): Promise<{ writer: LogWriter; plan: Awaited<ReturnType<LogWriter['plan']>> }> {
  const writer = new LogWriter();
  await writer.begin();
  return { writer, plan: await writer.plan(GOOD, '192.0.2.1', '192.0.2.2', null) };
}

describe('every decision of a change is made again as it was', () => {
  it.each([GOOD, BAD])('of %s', async (changeId) => {
    const decisions = await replay(await auditedLog(), changeId);
    expect(notSame(decisions)).toEqual([]);
    expect(decisions.length).toBeGreaterThan(8);
  });
});

describe('the verdict on documents', () => {
  const one = async (change: Parameters<typeof documentChange>[1]) => {
    const writer = new LogWriter();
    await writer.begin();
    await documentChange(writer, change);
    return writer;
  };
  const why = (decisions: ReplayedDecision[]) =>
    decisions.flatMap(({ decision, result, why }) =>
      result === 'same' ? [] : [`${decision} ${result}: ${why}`],
    );

  it('is made again from the reports of the consumers', async () => {
    const decisions = await replay(await one(() => ({})), DOCUMENTS);
    expect(why(decisions)).toEqual([]);
    expect(decisions.filter(({ decision }) => decision === 'verdict')).toHaveLength(2);
  });

  it('is different where the reports do not bear out its counts', async () => {
    const [first] = why(
      await replay(
        await one(({ arms }) => ({ arms: { ...arms, canary: { ...arms.canary, errors: 1 } } })),
        DOCUMENTS,
      ),
    );
    expect(first).toContain('verdict different: the reports do not bear out the counts');
  });

  it('is different where its reports say something else', async () => {
    const writer = await one(() => ({ reportsDigest: digestOf([]) }));
    writer.put([]);
    expect(why(await replay(writer, DOCUMENTS))[0]).toMatch(
      /^verdict different: .*has 0 requests of 10 needed/,
    );
  });

  it('cannot be made again without its reports', async () => {
    const writer = await one(() => ({ reportsDigest: digestOf('nowhere') }));
    expect(why(await replay(writer, DOCUMENTS))[0]).toBe(
      `verdict not-recomputable: the consumers' reports, ${digestOf('nowhere')}, are not here`,
    );
  });
});

describe('what was decided otherwise is named', () => {
  it('a verdict that its counts do not bear out', async () => {
    const { writer, plan } = await planned();
    await writer.allow(plan);
    const stage = plan.stages[0]?.name ?? '';
    const intent = await writer.intend(plan, stage, null);
    await writer.conclude(plan, stage, intent);
    await writer.judge(plan, stage, intent, 20, 'pass');
    expect(notSame(await replay(writer))).toEqual(['verdict different']);
  });

  it('a plan that does not follow from the request and the zone', async () => {
    const { writer, plan } = await planned();
    const planDigest = writer.put({ ...plan, risk: { score: 1, class: 'standard', reasons: [] } });
    const [request, recorded] = [plan.requestDigest, writer.fold.state.changes[GOOD]?.plan];
    const readingDigest = recorded?.readingDigest ?? digestOf('none');
    await writer.say('plan', { changeId: GOOD, requestDigest: request, planDigest, readingDigest });
    expect(notSame(await replay(writer))).toEqual(['plan different', 'risk different']);
  });

  it('an approval that was refused without a reason', async () => {
    const { writer, plan } = await planned();
    const inner = { changeId: GOOD, planDigest: digestOf(plan) };
    await writer.append(await acceptance({ inner, change: { accepted: false } }));
    expect(notSame(await replay(writer))).toEqual(['approval different']);
  });

  it('an order without enough votes', async () => {
    const { writer, plan } = await planned();
    await writer.vote(plan, 'a');
    await writer.approve(plan);
    await writer.intend(plan, plan.stages[0]?.name ?? '', null);
    expect(notSame(await replay(writer))).toEqual(['quorum different', 'bundle different']);
  });
});

describe('what cannot be made again is said, and not guessed', () => {
  it('a plan whose zone was not logged', async () => {
    const { writer, plan } = await planned();
    const { requestDigest } = plan;
    await writer.say('plan', {
      changeId: GOOD,
      requestDigest,
      planDigest: writer.put({ ...plan, clock: 2 }),
    });
    const decisions = (await replay(writer)).slice(-4);
    expect(notSame(decisions)).toEqual(
      ['causality', 'plan', 'risk', 'invariants'].map((decision) => `${decision} not-recomputable`),
    );
    expect(decisions[0]?.why).toContain('an older build');
  });

  it('anything of a body that is not here', async () => {
    const { writer, plan } = await planned();
    writer.bodies.delete(plan.requestDigest);
    expect(notSame(await replay(writer))).toHaveLength(5);
  });

  it('a change that the log does not know', async () => {
    await expect(replay(await auditedLog(), 'chg-unknown')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
