import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { SEARCH_ATTRIBUTES } from './contract.ts';

/** Typed keys of the search attributes that the stack registers. */
export const SEARCH = {
  phase: defineSearchAttributeKey(SEARCH_ATTRIBUTES.phase, SearchAttributeType.KEYWORD),
  risk: defineSearchAttributeKey(SEARCH_ATTRIBUTES.risk, SearchAttributeType.KEYWORD),
};
