/** Calls a person. Failing to page is logged and never fails the change. */
export interface Pager {
  page(alert: { changeId: string; environment: string; summary: string; next: string }): Promise<void>;
}
