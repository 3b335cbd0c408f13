/** Entry of the workflow bundle. */
export { change } from './change.ts';
export { reconcile, recover } from './reconcile.ts';
export { snapshot } from './snapshot.ts';
