import { signOverride } from '../../client/break-glass.ts';
import { logLineText } from '../../client/cli/log-text.ts';
import { devCode, factorVerifierFor, openPerson } from '../../client/compose.ts';
import { openBreakGlass } from '../../client/compose-break-glass.ts';
import { DomainError } from '../../domain/errors.ts';
import { type Demo, exampleRequest } from './demo.ts';

const CHANGE = 'bg-demo';
const GUARDS = ['quorum', 'witness', 'canary'] as const;

/** Temporal is gone: two people break glass, a third closes the review, and the log has all of it. */
export async function breakGlass(demo: Demo): Promise<void> {
  demo.heading('Break-glass: Temporal is gone, and the api must move now');
  await demo.engine.stop();
  try {
    const { installation } = demo;
    const { controlPlane } = demo.connected;
    const request = exampleRequest('break-glass.yaml');
    const ordinary = await refusalOf(
      controlPlane.submit('demo-ordinary', request, openPerson(installation, 'alice')),
    );
    demo.prove(`the ordinary way is closed (${ordinary})`, ordinary === 'ENGINE_UNAVAILABLE');

    const glass = await openBreakGlass(installation);
    try {
      const { planDigest, effect, objections } = await glass.plan(CHANGE, request);
      for (const { guard, violation } of objections) demo.say(`against it: ${violation.message} (${guard})`);
      if (planDigest === null) throw new Error('nothing can be planned');
      const people = ['bob', 'carol'].map((subject) => ({
        ...openPerson(installation, subject),
        code: devCode(installation, subject),
      }));
      const signed = await signOverride(factorVerifierFor(installation), people, {
        ...{ changeId: CHANGE, environment: installation.environment, planDigest, effect },
        ...{ guards: [...GUARDS], emptying: [], author: 'bob' },
        reason: 'Temporal is gone, and the api must move',
        nonce: CHANGE,
        nowMs: Date.now(),
      });
      const result = await glass.apply({ request, ...signed });
      demo.prove(
        `bob and carol, each with a second factor, moved it over ${GUARDS.join(', ')}`,
        result.result === 'applied',
      );
      const again = await glass.apply({ request, ...signed });
      demo.prove('their token counts once', again.result === 'refused');
    } finally {
      glass.close();
    }
    const own = await refusalOf(
      controlPlane.closeReview(CHANGE, 'all fine', openPerson(installation, 'bob')),
    );
    demo.prove(`bob may not close the review of his own doing (${own})`, own === 'NOT_PERMITTED');
    await controlPlane.closeReview(CHANGE, 'seen, and made permanent', openPerson(installation, 'alice'));
    demo.say('what the log holds about it:');
    for (const line of await controlPlane.history(CHANGE))
      process.stdout.write(logLineText(line, demo.style));
  } finally {
    await demo.engine.start();
  }
}

async function refusalOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'it was not refused';
  } catch (error) {
    if (error instanceof DomainError) return error.code;
    throw error;
  }
}
