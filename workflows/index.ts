/** Entry of the workflow bundle. */
export { change } from './change.ts';
export { snapshot } from './snapshot.ts';
