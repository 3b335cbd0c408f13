/** Entry of the workflow bundle. */
export { change } from './change.ts';
export { freeze } from './freeze.ts';
export { reconcile, recover } from './reconcile.ts';
export { resume } from './resume.ts';
export { snapshot } from './snapshot.ts';
