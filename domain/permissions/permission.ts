import { z } from 'zod';
import { RISK_CLASSES } from '../change/risk.ts';
import { SWITCH_DIRECTIONS } from '../kinds/switch.ts';

/** What people do to one resource of a change. */
export const CHANGE_ACTIONS = [
  'submit',
  'engage',
  'release',
  'approve',
  'reject',
  'pause',
  'continue',
  'abort',
  'override',
] as const;
/** What people do to an environment, or to a part of it (`scope`). */
export const ENVIRONMENT_ACTIONS = ['freeze', 'resume', 'recover', 'read', 'audit'] as const;

export type ChangeAction = (typeof CHANGE_ACTIONS)[number];
export type EnvironmentAction = (typeof ENVIRONMENT_ACTIONS)[number];

const name = z.string().min(1).max(253);

/** Who asks. Roles and teams are those of the trust document; whoever it does not know has none. */
export const principalSchema = z.strictObject({
  subject: name,
  roles: z.array(name).max(100).default([]),
  teams: z.array(name).max(100).default([]),
});

export const permissionContextSchema = z.strictObject({
  environment: name.default('prod'),
  /** The class of the change. */
  risk: z.enum(RISK_CLASSES).default('standard'),
  /** Of the change. Where nobody is said it is the principal, and somebody else where that one decides on it. */
  author: name.optional(),
  /** People and teams whom the resource names as its owners. */
  owners: z.array(name).max(100).default([]),
  /** Every kind that the change touches; the resource's own where none is said. */
  kinds: z.array(name).max(100).default([]),
  /** Which way the change moves the resource, where it is a switch. */
  direction: z.enum(SWITCH_DIRECTIONS).default('edit'),
  /** How many people other than the author will have approved the change, or have. */
  approvals: z.int().min(0).max(1000).default(0),
  /** Of a freeze: `zone/example.com`, `az/us-east-1a`; empty for all of the environment. */
  scope: z.string().max(253).default(''),
});

export type Principal = z.infer<typeof principalSchema>;
export type PermissionContext = z.infer<typeof permissionContextSchema>;

/** May this principal do this to this resource? The resource `environment/<name>` is an environment itself. */
export interface PermissionQuestion {
  principal: Principal;
  /** One of `CHANGE_ACTIONS` or `ENVIRONMENT_ACTIONS`; any other is denied. */
  action: string;
  resource: string;
  context: PermissionContext;
}

export interface PermissionVerdict {
  allowed: boolean;
  /** The `@id`s that decided: what permitted it, or what forbade it. Empty when nothing permits it. */
  policies: string[];
  /** In words, without the question: `no policy permits it`. */
  why: string;
}

/** Cedar, as the domain sees it: pure, and brought by whoever calls. */
export interface PolicyEngine {
  /**
   * Decides by a policy text alone. Never throws: a text that cannot be used, an unknown action or role, and a policy
   * that fails while it is evaluated are denials.
   */
  decide(cedar: string, question: PermissionQuestion): PermissionVerdict;
  /** Everything that is wrong with a text against the schema, in words; empty for one that can be used. */
  problemsOf(cedar: string): string[];
}
