import { isJsonObject, pointerSegments } from '../../domain/kinds/json-pointer.ts';
import type { Explained } from '../explain.ts';
import { versionName } from './store-text.ts';
import type { Style } from './style.ts';

export function explainedText({ resource, tenant, layers, value, origins }: Explained, style: Style): string {
  const names = new Map(layers.map((layer) => [layer.resource, versionName(layer)]));
  const width = Math.max(0, ...[...names.values()].map((name) => name.length));
  const head = `${resource} as it is read${tenant === null ? '' : ` for tenant ${tenant}`}`;
  const merged = layers.map((layer, i) => `  ${i + 1}. ${versionName(layer)}`);
  const leaves = Object.entries(origins).map(([path, origin]) => {
    const from = (names.get(origin) ?? origin).padEnd(width);
    return `${style('dim', from)}  ${path || '(whole document)'}: ${JSON.stringify(valueAt(value, path))}`;
  });
  return `${[style('bold', head), ...merged, '', ...leaves].join('\n')}\n`;
}

/** Origins are of leaves under objects only, since an array comes from one layer as a whole. */
function valueAt(value: unknown, path: string): unknown {
  return pointerSegments(path).reduce<unknown>(
    (at, segment) => (isJsonObject(at) ? at[segment] : undefined),
    value,
  );
}
