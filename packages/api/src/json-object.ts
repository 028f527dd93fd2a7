/** What JSON and YAML call an object, or a map. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is a map; a list is none. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
