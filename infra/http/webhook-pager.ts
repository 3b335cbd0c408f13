import type { Pager } from '../../activities/ports/pager.ts';

/** Posts each page as JSON to a webhook. Throws when it is not taken; the caller logs that and goes on. */
export function createWebhookPager(url: string): Pager {
  return {
    async page(alert) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(alert),
        signal: AbortSignal.timeout(5_000),
      });
      if (!response.ok) throw new Error(`the paging webhook answered ${response.status}`);
    },
  };
}
