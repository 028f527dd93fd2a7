/** What JSON and YAML call an object, or a map. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is a map; a list is none. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * What a map of somebody's names has for one of them; not what every object has for a name such as
 * `constructor`.
 */
export function ownValue<Value>(map: Readonly<Record<string, Value>> | undefined, name: string): Value | undefined {
  return map !== undefined && Object.hasOwn(map, name) ? map[name] : undefined;
}
