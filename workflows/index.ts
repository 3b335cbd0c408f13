/** Entry of the workflow bundle. */
export { change } from './change.ts';
