/** How an activity lets time pass: cancellable, and telling the engine that it is alive. */
export interface PacedWait {
  pause(ms: number): Promise<void>;
}
