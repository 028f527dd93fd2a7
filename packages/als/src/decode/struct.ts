import type { WireReader } from "../wire/reader.ts";

/** Tags, `field number << 3 | wire type`: `Struct.fields` is a map, so an entry has key 1 and value 2. */
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

/** Levels of Struct that are read: the metadata itself and `LABELS` in it. Below, everything is skipped, so depth costs nothing. */
const LEVELS = 2;

/** A `google.protobuf.Value`, as far as node metadata needs it: at most one of the two is set. */
export interface StructValue {
  text: string | undefined;
  fields: StructFields | undefined;
}

export type StructFields = Map<string, StructValue>;

/** A `google.protobuf.Struct` field, merged into `fields`: a later entry of the same key replaces the earlier one. */
export function readStruct(reader: WireReader, outerEnd: number, fields: StructFields, level = 1): void {
  const end = reader.open(outerEnd);
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === FIELDS) readField(reader, end, fields, level);
    else reader.skip(tag, end);
  }
  reader.close(end);
}

function readField(reader: WireReader, outerEnd: number, fields: StructFields, level: number): void {
  const end = reader.open(outerEnd);
  const value: StructValue = { text: undefined, fields: undefined };
  let key = "";
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === KEY) key = reader.string(end);
    else if (tag === VALUE) readValue(reader, end, value, level);
    else reader.skip(tag, end);
  }
  reader.close(end);
  fields.set(key, value);
}

function readValue(reader: WireReader, outerEnd: number, value: StructValue, level: number): void {
  const end = reader.open(outerEnd);
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === STRING_VALUE) {
      value.fields = undefined;
      value.text = reader.string(end);
    } else if (tag === STRUCT_VALUE && level < LEVELS) {
      value.text = undefined;
      value.fields ??= new Map();
      readStruct(reader, end, value.fields, level + 1);
    } else {
      if (tag === STRUCT_VALUE || OTHER_KINDS.has(tag)) value.text = value.fields = undefined;
      reader.skip(tag, end);
    }
  }
  reader.close(end);
}
