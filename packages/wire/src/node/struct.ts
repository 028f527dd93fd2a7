import type { WireReader } from "../protobuf/reader.ts";

/**
 * Tags, `field number << 3 | wire type`: `Struct.fields` is a map, so an entry has key 1 and value
 * 2.
 */
const FIELDS = (1 << 3) | 2;
const KEY = (1 << 3) | 2;
const VALUE = (2 << 3) | 2;

/** The kinds of `Value`, a oneof. */
const NULL_VALUE = 1 << 3;
const NUMBER_VALUE = (2 << 3) | 1;
const STRING_VALUE = (3 << 3) | 2;
const BOOL_VALUE = 4 << 3;
const STRUCT_VALUE = (5 << 3) | 2;
const LIST_VALUE = (6 << 3) | 2;
const OTHER_KINDS = new Set([NULL_VALUE, NUMBER_VALUE, BOOL_VALUE, LIST_VALUE]);

/**
 * Levels of Struct that are read: the metadata itself and `LABELS` in it. Below, everything is
 * skipped, so depth costs nothing.
 */
const LEVELS = 2;

/** The metadata that is kept. An Envoy sends some 60 KiB, with annotations of any size. */
const WANTED = new Set(["NAMESPACE", "LABELS", "ISTIO_VERSION", "SERVICE_ACCOUNT", "WORKLOAD_NAME"]);

/** Most labels. The API server has no such limit, but even large pods have only dozens. */
const MAX_LABELS = 256;

/** Stands for a text that is too long: no key and no label value of Kubernetes has a line feed. */
const TOO_LONG = "\n";

/**
 * A `google.protobuf.Value`, as far as node metadata needs it: at most one of `text` and `fields`
 * is set.
 */
interface StructValue {
  text: string | undefined;
  fields: StructFields | undefined;
  isTooLarge: boolean;
}

export type StructFields = Map<string, StructValue>;

/**
 * The metadata of a node, merged into `fields`: a later entry of the same key replaces the earlier
 * one.
 */
export function readStruct(reader: WireReader, outerEnd: number, fields: StructFields): void {
  readLevel(reader, outerEnd, fields, 1);
}

/**
 * Without `fields` it only checks that the bytes are valid. Returns whether there are more fields
 * than are kept, or too long ones.
 */
function readLevel(reader: WireReader, outerEnd: number, fields: StructFields | undefined, level: number): boolean {
  const end = reader.open(outerEnd);
  let isTooLarge = false;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === FIELDS) isTooLarge = readField(reader, end, fields, level) || isTooLarge;
    else reader.skip(tag, end);
  }
  reader.close(end);
  return isTooLarge;
}

function readField(reader: WireReader, outerEnd: number, fields: StructFields | undefined, level: number): boolean {
  const end = reader.open(outerEnd);
  const begin = reader.at;
  const key = fields === undefined ? TOO_LONG : readKey(reader, end);
  const isWanted = level === LEVELS ? key !== TOO_LONG : WANTED.has(key);
  const value: StructValue = { text: undefined, fields: undefined, isTooLarge: false };
  if (reader.at <= end) reader.at = begin;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === KEY) reader.passString(end);
    else if (tag === VALUE) readValue(reader, end, value, level, isWanted);
    else reader.skip(tag, end);
  }
  reader.close(end);
  return fields !== undefined && !keep(fields, key, value, level, isWanted);
}

/**
 * Returns false when a label cannot be kept, or there are too many. Other metadata that is not
 * needed is left out.
 */
function keep(fields: StructFields, key: string, value: StructValue, level: number, isWanted: boolean): boolean {
  const isRoom = level < LEVELS || fields.size < MAX_LABELS || fields.has(key);
  if (!isWanted || !isRoom || value.text === TOO_LONG) return level < LEVELS;
  fields.set(key, value);
  return true;
}

/** The key may follow the value, and may be there more than once: then the last one counts. */
function readKey(reader: WireReader, end: number): string {
  let key = "";
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === KEY) key = reader.string(end, TOO_LONG);
    else reader.skip(tag, end);
  }
  return key;
}

function readValue(reader: WireReader, outerEnd: number, value: StructValue, level: number, isWanted: boolean): void {
  const end = reader.open(outerEnd);
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === STRING_VALUE) readText(reader, end, value, isWanted);
    else if (tag === STRUCT_VALUE && level < LEVELS) {
      value.text = undefined;
      if (isWanted) value.fields ??= new Map();
      value.isTooLarge = readLevel(reader, end, value.fields, level + 1) || value.isTooLarge;
    } else {
      if (tag === STRUCT_VALUE || OTHER_KINDS.has(tag)) value.text = value.fields = undefined;
      reader.skip(tag, end);
    }
  }
  reader.close(end);
}

function readText(reader: WireReader, end: number, value: StructValue, isWanted: boolean): void {
  value.fields = undefined;
  if (isWanted) value.text = reader.string(end, TOO_LONG);
  else reader.passString(end);
}
