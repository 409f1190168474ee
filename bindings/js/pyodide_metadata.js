// What a model says of itself: the fields of its ModelProto that are no graph.
import { each, fieldsOf, textOf } from './tools/operators.mjs';

/** Of a model's bytes, as onnxruntime names it; {} of what is no ModelProto. */
export function metadataOf(bytes) {
  try {
    const graph = each(bytes, 7).at(-1) ?? new Uint8Array(0);
    const version = [...fieldsOf(bytes)].filter(([field]) => field === 5).at(-1)?.[1];
    return {
      producer_name: textOf(bytes, 2), domain: textOf(bytes, 4), description: textOf(bytes, 6),
      version: version ?? null, graph_name: textOf(graph, 2),
      graph_description: textOf(graph, 10),
      custom_metadata_map: Object.fromEntries(each(bytes, 14).map((entry) =>
        [textOf(entry, 1), textOf(entry, 2)])),
    };
  } catch {
    return {};
  }
}
