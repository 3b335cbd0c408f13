import { z } from 'zod';
import { permissionContextSchema, principalSchema } from '../permissions/permission.ts';

/** There is one policy of permissions in an environment. */
export const PERMISSIONS_RESOURCE = 'policy/permissions';
export const POLICY_RESOURCE = /^policy\/permissions$/;

/** Who may do what, and the tests that travel with it. Also its canonical form. */
export const policyBodySchema = z.strictObject({
  cedar: z
    .string()
    .min(1)
    .max(65_536)
    .describe('Policies in Cedar, each with an @id; docs/guide/permissions.md has what they may speak of'),
  tests: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(253),
        principal: principalSchema,
        action: z.string().min(1).max(63),
        resource: z.string().min(1).max(253),
        context: permissionContextSchema.prefault({}),
        expect: z.enum(['allow', 'deny']),
      }),
    )
    .min(1, 'A policy comes with tests')
    .max(500)
    .describe('What the policy must decide; it is refused unless it does'),
});

export type PolicyBody = z.infer<typeof policyBodySchema>;
