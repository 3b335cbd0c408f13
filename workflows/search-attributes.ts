import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { SEARCH_ATTRIBUTES } from './contract.ts';

/** Typed keys of the search attributes that the stack registers. */
export const SEARCH = {
  changeId: defineSearchAttributeKey(SEARCH_ATTRIBUTES.changeId, SearchAttributeType.KEYWORD),
  phase: defineSearchAttributeKey(SEARCH_ATTRIBUTES.phase, SearchAttributeType.KEYWORD),
  author: defineSearchAttributeKey(SEARCH_ATTRIBUTES.author, SearchAttributeType.KEYWORD),
  environment: defineSearchAttributeKey(SEARCH_ATTRIBUTES.environment, SearchAttributeType.KEYWORD),
  resources: defineSearchAttributeKey(SEARCH_ATTRIBUTES.resources, SearchAttributeType.KEYWORD_LIST),
  risk: defineSearchAttributeKey(SEARCH_ATTRIBUTES.risk, SearchAttributeType.KEYWORD),
};
