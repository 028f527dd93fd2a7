import { Config } from "./config.ts";
import { faultsOf, formatPath } from "./field-path.ts";
import { isJsonObject, type JsonObject } from "./json-object.ts";
import { safeParseObject } from "./null-fields.ts";
import { SLIME_BOOT_FIELDS, SLIME_GLOBAL_FIELDS, SLIME_MODULE_FIELDS, type SlimeBootField } from "./slime-boot-fields.ts";
import { slimeGeneral } from "./slime-general.ts";

/** Values for our chart that say what a SlimeBoot says. */
export interface SlimeBootValues {
  readonly values: JsonObject;
  /** A line for each setting that has no effect here, and why. In the order of the document. */
  readonly remarks: readonly string[];
  /** A line for each value that our configuration does not take. */
  readonly faults: readonly string[];
}

/** A field of a document of Slime's, where it stands. */
interface Given {
  readonly path: string;
  readonly value: unknown;
}

/**
 * Reads `spec` of a SlimeBoot.
 *
 * Modules that are not enabled say nothing. Where two modules say different things of the same
 * field, the first one counts, and the other is told.
 */
export function slimeBootValues(spec: JsonObject): SlimeBootValues {
  const reading = new Reading();
  const { module: modules, ...rest } = spec;
  reading.take(rest, SLIME_BOOT_FIELDS, "spec", "no field of a SlimeBoot");
  for (const [index, module] of (Array.isArray(modules) ? modules : []).entries()) reading.takeModule(module, `spec.module[${index}]`);
  return reading.result();
}

/** Reads one module, as Slime's processes find it in their ConfigMap. */
export function slimeModuleValues(module: JsonObject): SlimeBootValues {
  const reading = new Reading();
  reading.takeModule(module, "module");
  return reading.result();
}

class Reading {
  readonly #values: Record<string, unknown> = {};
  readonly #remarks: string[] = [];
  readonly #faults: string[] = [];
  /** Which field of Slime's gave one of ours. */
  readonly #givenBy = new Map<string, Given>();

  take(fields: JsonObject, table: Readonly<Record<string, SlimeBootField>>, above: string, unknown: string, within = ""): void {
    for (const [name, value] of Object.entries(fields)) {
      if (value === undefined || value === null) continue;
      const key = within === "" ? name : `${within}.${name}`;
      const path = `${above}.${key}`;
      const field = Object.hasOwn(table, key) ? table[key] : undefined;
      const isAbove = Object.keys(table).some((known) => known.startsWith(`${key}.`));
      if (field !== undefined) this.#takeField({ path, value }, field);
      else if (isAbove && isJsonObject(value)) this.take(value, table, above, unknown, key);
      else this.#tell(path, unknown);
    }
  }

  takeModule(module: unknown, path: string): void {
    if (!isJsonObject(module) || module.enable === false) {
      this.#tell(path, isJsonObject(module) ? "the module is not enabled" : "it is no module");
      return;
    }
    const { name: _name, kind: _kind, enable: _enable, general, metric: _metric, global, fence, ...rest } = module;
    // Before version 0.4 the fields stood in `fence`.
    this.#takeGeneral({ ...module, general: general ?? fence ?? {} }, path);
    if (isJsonObject(global)) this.take(global, SLIME_GLOBAL_FIELDS, `${path}.global`, "no field of Slime's global settings");
    this.take(rest, SLIME_MODULE_FIELDS, path, "no field of a module of Slime's");
  }

  result(): SlimeBootValues {
    const { config } = this.#values;
    const checked = safeParseObject(Config, config ?? {});
    if (!checked.success)
      for (const { field, message } of faultsOf(checked.error, config)) {
        const ours = `config.${formatPath(field)}`;
        const given = [...this.#givenBy].find(([to]) => ours === to || ours.startsWith(`${to}.`) || ours.startsWith(`${to}[`))?.[1];
        this.#faults.push(`${given?.path ?? ours}: ${message}`);
      }
    return { values: this.#values, remarks: this.#remarks, faults: this.#faults };
  }

  #takeGeneral(module: JsonObject, path: string): void {
    const reading = slimeGeneral(module);
    if (reading === undefined) return;
    this.#remarks.push(...reading.remarks.map((remark) => `${path}.${remark}`));
    // Fenceline's namespace is the chart's.
    const { namespace, ...config } = isJsonObject(reading.config) ? reading.config : {};
    if (namespace !== undefined)
      this.#tell(`${path}.general.clusterGsNamespace`, "the global sidecar is in Fenceline's namespace, see `helm install --namespace`");
    for (const [name, value] of Object.entries(config)) {
      const field = reading.pathOf([name]);
      this.#set(`config.${name}`, { path: field.length === 0 ? `${path}.general` : `${path}.${formatPath(field)}`, value });
    }
  }

  #takeField(given: Given, field: SlimeBootField): void {
    if ("withoutEffect" in field) {
      this.#tell(given.path, field.withoutEffect);
      return;
    }
    const value = field.value === undefined ? given.value : field.value(given.value);
    this.#set(field.to, { path: given.path, value });
    if (field.to === "config.fallback.port") this.#set("globalSidecar.ports", { path: given.path, value: [value] });
    // Slime has as many pods as it says; a HorizontalPodAutoscaler would not look at it.
    if (field.to === "globalSidecar.replicas") this.#set("globalSidecar.autoscaling.enabled", { path: given.path, value: false });
  }

  #set(field: string, given: Given): void {
    const before = this.#givenBy.get(field);
    if (before !== undefined) {
      if (JSON.stringify(before.value) !== JSON.stringify(given.value)) this.#tell(given.path, `${before.path} says another value`);
      return;
    }
    this.#givenBy.set(field, given);
    if (isEmptyMap(given.value)) return;
    put(this.#values, field.split("."), given.value);
  }

  #tell(path: string, reason: string): void {
    this.#remarks.push(`${path} has no effect: ${reason}`);
  }
}

/** Maps are merged: `config.fallback` may have a port already when its dispatches come. */
function put(values: Record<string, unknown>, [first = "", ...rest]: readonly string[], value: unknown): void {
  const before = values[first];
  const inner = isJsonObject(before) ? { ...before } : {};
  if (rest.length > 0) put(inner, rest, value);
  const said = isJsonObject(value) ? Object.fromEntries(Object.entries(value).filter(([, each]) => !isEmptyMap(each))) : value;
  values[first] = rest.length > 0 ? inner : isJsonObject(said) ? { ...inner, ...said } : said;
}

/** It says nothing. */
function isEmptyMap(value: unknown): boolean {
  return isJsonObject(value) && Object.keys(value).length === 0;
}
