import type { ReverseWriter } from "../protobuf/writer.ts";
import type { EnvoyNode } from "./envoy-node.ts";

/**
 * Writes `Node node = 1 { id = 1, cluster = 2, Struct metadata = 3 }` with the metadata keys that
 * Istio's proxies send, fields in reverse.
 *
 * @param field number of the field. Default: 1, as in the first message of access logs
 */
export function writeNode(writer: ReverseWriter, node: Partial<EnvoyNode>, field = 1): void {
  const mark = writer.size;
  writeTextValue(writer, "WORKLOAD_NAME", node.workloadName ?? "");
  writeTextValue(writer, "SERVICE_ACCOUNT", node.serviceAccount ?? "");
  writeTextValue(writer, "ISTIO_VERSION", node.istioVersion ?? "");
  writeTextValue(writer, "NAMESPACE", node.namespace ?? "");
  writeLabels(writer, Object.entries(node.labels ?? {}));
  if (writer.size > mark) writer.message(3, mark);
  writer.string(2, node.cluster ?? "");
  writer.string(1, node.id ?? "");
  writer.message(field, mark);
}

/** `map fields = 1 { key = 1, Value value = 2 { string_value = 3 } }` */
function writeTextValue(writer: ReverseWriter, key: string, text: string, whenEmpty = false): void {
  if (text === "" && !whenEmpty) return;
  const mark = writer.size;
  writer.mapString(3, text);
  writer.message(2, mark);
  writer.mapString(1, key);
  writer.message(1, mark);
}

/** `LABELS` is a Struct in a Value: `struct_value = 5`. */
function writeLabels(writer: ReverseWriter, labels: readonly [string, string][]): void {
  if (labels.length === 0) return;
  const mark = writer.size;
  for (const [key, value] of labels.toReversed()) writeTextValue(writer, key, value, true);
  writer.message(5, mark);
  writer.message(2, mark);
  writer.mapString(1, "LABELS");
  writer.message(1, mark);
}
