import type { z } from "zod";
import type { FieldPath } from "../field-path.ts";
import type { AnyObject, Labels, ObjectMeta } from "../object.ts";
import type { Condition } from "./condition.ts";
import type { Normalized } from "./normalize.ts";

/** A kind of the API server, as paths, events and manifests name it. */
export interface Kind<Name extends string = string> {
  /** For example `ServiceFence`. */
  readonly name: Name;
  /** As paths name it: `servicefences`. */
  readonly plural: string;
  /**
   * `<group>/<version>`, or `v1`. Each group is a resource of its own, and the first wins where two
   * have an object of one name. Versions of one group are the same resource: the first is stored,
   * each is served.
   */
  readonly apiVersions: readonly string[];
  /** Whether its objects live in namespaces. */
  readonly isNamespaced: boolean;
}

/** Keeps once what many objects repeat: in a parsed answer of the API server each is a copy. */
export interface Repeats {
  text(text: string): string;
  /** The values of labels. */
  labels(labels: Labels): Labels;
  /** @param value as JSON has it; nobody changes it */
  value<T extends object>(value: T): T;
}

/** Keeps everything as it is, as is enough for the objects of a few manifests. */
const UNSHARED: Repeats = { text: (text) => text, labels: (labels) => labels, value: (value) => value };

/** A kind whose objects others write and Fenceline reads. */
export interface ReadKind<O, Name extends string = string> extends Kind<Name> {
  readonly schema: z.ZodType<O>;
  /** First part of the codes of its faults: `FENCE` gives `FENCE_INVALID`. */
  readonly errorPrefix: string;
  /** Code of a fault in one field, where that has one of its own. */
  readonly faultCode?: (field: FieldPath) => string | undefined;
}

/**
 * A kind of others that Fenceline only reads. An API server is asked for the first of its
 * `apiVersions`; manifests may have any of them, as versions of one group hold the same objects.
 */
export interface MeshKind<O = unknown, Name extends string = string> extends ReadKind<O, Name> {
  /** What is kept of an object that the schema has read. Default: all of it. */
  keep?(object: O, repeats: Repeats): O;
  /**
   * Whether some clusters do without it. Where it is not installed there are no objects of it, and
   * nobody is told; a right that is missing is told anyway.
   */
  readonly isOptional: boolean;
  /** Whether manifests may hold it: those of a folder, and of `fenceline render`. */
  readonly isInManifests: boolean;
  /** Which of its objects an API server is asked for. Default: all. */
  readonly labelSelector?: string;
  /** Whether an API server is asked for the `metadata` alone. Default: for whole objects. */
  readonly isMetadataOnly?: boolean;
}

/** Where an object is. Nobody reads the labels of many kinds, and they take memory. */
export function placeOnly({ name, namespace }: ObjectMeta, repeats: Repeats): ObjectMeta {
  return { name, namespace: repeats.text(namespace), labels: repeats.labels({}) };
}

/** The line of a kind of others. The codes of its faults begin with its name. */
export function meshKind<O, Name extends string>(
  { name, apiVersions, plural, isNamespaced }: Kind<Name>,
  rest: Pick<MeshKind<O>, "schema" | "keep" | "isOptional" | "isInManifests">,
): MeshKind<O, Name> {
  return { name, plural, apiVersions, isNamespaced, errorPrefix: name.toUpperCase(), ...rest };
}

/** What is kept of an object that the schema of its kind has read. */
export function keptOf<O>(kind: ReadKind<O> | MeshKind<O>, object: O, repeats: Repeats = UNSHARED): O {
  return "keep" in kind && kind.keep !== undefined ? kind.keep(object, repeats) : object;
}

/** A column of `kubectl get`. Those of priority 1 are in `-o wide` only. */
export interface PrinterColumn {
  readonly name: string;
  /** A `date` is shown as an age. */
  readonly type: "string" | "boolean" | "integer" | "number" | "date";
  readonly jsonPath: string;
  readonly description: string;
  readonly priority?: 1;
}

/** A status as far as it can be read. */
export interface StatusReading<S> {
  readonly status: S;
  /**
   * Paths of what could not be read as it stands, for example
   * `domains['b.test1.svc.cluster.local'].requests`.
   */
  readonly leftOut: readonly string[];
  /** How many more could not be read, whose paths are not kept. Default 0. */
  readonly unnamed?: number;
}

/** What a status is merged from, where every replica writes into it. */
export interface StatusMerge<S> {
  /** What this process wants to be true now. */
  readonly desired: S;
  /**
   * What this process took `desired` from, the oldest first: the status that it was last told, and
   * the one that it last wrote. Empty when it never saw one.
   */
  readonly known: readonly S[];
  /** What the API server has, as far as is known: also what other replicas wrote. */
  readonly live: S;
  /** Whether this process is the leader: it alone takes away, so what it lacks is no news. */
  readonly leads: boolean;
  /** Milliseconds of the wall clock. */
  readonly now: number;
}

/** An object of a kind of ours, as far as all of them are alike. */
export interface OwnObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly status?: unknown;
  /** What is wrong with its spec, where a part of that counts anyway. */
  readonly fault?: string;
}

/** A kind of ours: it has a CustomResourceDefinition, a status, and a reconciler. */
export interface OwnKind<O = unknown, S = unknown, Name extends string = string> extends ReadKind<O, Name> {
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** Of the kind, of its `spec` and of its `status`, for `kubectl explain`. */
  readonly description: { readonly kind: string; readonly spec: string; readonly status: string };
  readonly spec: z.ZodType;
  readonly status: z.ZodType<S>;
  /**
   * Whether a status holds what was learned, and cannot be worked out again: it then outlives its
   * object for a while. Default: none does.
   */
  holdsLearned?(status: S): boolean;
  readonly columns: readonly PrinterColumn[];
  /**
   * Type of the condition that says whether the spec is in effect. It is False, with field and
   * reason, while the spec cannot be read. Default: there is none, and only the log says so.
   */
  readonly faultCondition?: string;
  /**
   * One form of an object, whichever version and spelling it was written in; see `normalizer`.
   * Called before `schema`, and never throws. Default: there is one form only.
   */
  normalize?(object: unknown): Normalized;
  /**
   * What an object's conditions say while another one of its name, in a group before its own, is
   * the one that counts. Default: nothing.
   */
  readonly shadowedConditions?: readonly Pick<Condition, "type" | "status">[];
  /**
   * What is not so once Fenceline is uninstalled: types of conditions, which are False then, and
   * fields of the status, which go. Default: its status says nothing of it.
   */
  readonly inForce?: { readonly conditions: readonly string[]; readonly fields?: readonly string[] };
  /** Type of the condition that is False while the spec has faults. Default: there is none. */
  readonly acceptedCondition?: string;
  /**
   * What counts of an object that has faults, such as that it is switched off; undefined where the
   * version before stays in force. What is wrong is then the object's `fault`. Default: nothing.
   */
  inSpiteOfFaults?(object: unknown): object | undefined;
  /**
   * An object without the parts that have faults, so that the rest counts; undefined where the
   * version before stays in force whole. What is wrong is the object's `fault`, and `faulty` names
   * the fields of its spec. Default: none is salvaged.
   */
  withoutFaults?(object: unknown, faults: readonly FieldPath[]): object | undefined;
  /**
   * Reads a status, whatever it is. Never throws.
   *
   * @param previous what was read of the same object before
   * @param most entries that are read of a map or a list. Default: all
   */
  readStatus(value: unknown, previous?: S, most?: number): StatusReading<S>;
  /**
   * A JSON merge patch of the status, so that replicas that write at the same time lose nothing of
   * each other; undefined when there is nothing to say. Default: the leader alone writes, and what
   * it wants is the status.
   */
  mergeStatus?(merge: StatusMerge<S>): object | undefined;
}

/** Code of a fault in a field of an object: the field's own, else `<PREFIX>_INVALID`. */
export function faultCodeOf({ errorPrefix, faultCode }: Pick<ReadKind<unknown>, "errorPrefix" | "faultCode">, field: FieldPath): string {
  return faultCode?.(field) ?? `${errorPrefix}_INVALID`;
}

/** What people call an object of a kind: `fence`. */
export function wordFor({ errorPrefix }: Pick<ReadKind<unknown>, "errorPrefix">): string {
  return errorPrefix.toLowerCase();
}

/** Group of an `apiVersion`. The core group has no name: `v1` gives an empty one. */
export function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? (apiVersion.split("/", 1)[0] ?? "") : "";
}

/** Version of an `apiVersion`: `v1` of `apps/v1`. */
export function versionOf(apiVersion: string): string {
  return apiVersion.slice(apiVersion.indexOf("/") + 1);
}

export function isOwnKind<O>(kind: ReadKind<O>): kind is OwnKind<O> {
  return "readStatus" in kind;
}

/** Objects by their kind. */
export interface ObjectsByKind {
  /** None of a kind that is not looked at. */
  of<O>(kind: ReadKind<O>): readonly O[];
}

/** Looks up objects by their kind, in the order that they have. */
export function objectsByKind(objects: readonly AnyObject[]): ObjectsByKind {
  const byKind = Map.groupBy(objects, ({ kind }) => kind);
  return { of: <O>({ name }: ReadKind<O>) => (byKind.get(name) ?? []) as readonly unknown[] as readonly O[] };
}
