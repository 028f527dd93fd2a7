import { InvalidResource } from "@fenceline/api";
import { readNamedFile } from "../../read-text-file.ts";

/** Largest file that is read, in bytes. */
const LARGEST = 16 * 1024 * 1024;
const MOST_COLUMNS = 64;
const TIME = "time";

/** A recorded series of values. */
export interface RecordedSeries {
  readonly names: readonly string[];
  readonly points: readonly { readonly at: number; readonly values: ReadonlyMap<string, number> }[];
  /** Whether its times are those of a clock; else they are seconds from some beginning. */
  readonly isClock: boolean;
}

/**
 * Reads a series from CSV: a head, and a line for each moment at which some value changes. A value
 * without a number is missing until the next line.
 *
 * @throws InvalidResource `SERIES_INVALID`
 */
export function readSeries(file: string): RecordedSeries {
  const [head = "", ...lines] = readNamedFile(file, LARGEST).split(/\r?\n/);
  const [time, ...names] = cellsOf(head);
  const fault = headFault(time, names);
  if (fault !== undefined) throw invalid(file, 1, fault);
  const rows = lines.flatMap((line, index) => (line.trim() === "" ? [] : [{ line: index + 2, cells: cellsOf(line) }]));
  const isClock = rows.length > 0 && !isNumber(rows[0]?.cells[0] ?? "");
  let before = Number.NEGATIVE_INFINITY;
  const points = rows.map(({ line, cells: [at = "", ...cells] }) => {
    if (cells.length !== names.length) throw invalid(file, line, `it has ${cells.length + 1} cells, and the head ${names.length + 1}`);
    const moment = momentOf(at, isClock);
    if (moment === undefined) throw invalid(file, line, `${JSON.stringify(at)} is no time, or not of the form of the first line`);
    if (moment < before) throw invalid(file, line, "its time is before that of the line above");
    before = moment;
    return { at: moment, values: valuesOf(names, cells, (cell) => invalid(file, line, `${JSON.stringify(cell)} is not a number`)) };
  });
  if (points.length === 0) throw invalid(file, 1, "no line follows the head");
  return { names, points, isClock };
}

function headFault(time: string | undefined, names: readonly string[]): string | undefined {
  if (time !== TIME) return `the first column has to be ${TIME}`;
  if (names.length > MOST_COLUMNS) return `more than ${MOST_COLUMNS} values`;
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) return `there are two columns ${repeated}`;
  return names.includes("") ? "a column has no name" : undefined;
}

function valuesOf(names: readonly string[], cells: readonly string[], fault: (cell: string) => Error): ReadonlyMap<string, number> {
  return new Map(
    cells.flatMap((cell, index) => {
      // As Prometheus writes what is no number.
      if (cell === "" || cell === "NaN") return [];
      if (!isNumber(cell)) throw fault(cell);
      return [[names[index] ?? "", Number(cell)] as const];
    }),
  );
}

function momentOf(text: string, isClock: boolean): number | undefined {
  if (!isClock) return isNumber(text) ? Number(text) * 1_000 : undefined;
  const at = isNumber(text) ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

function isNumber(text: string): boolean {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/.test(text) && Number.isFinite(Number(text));
}

/** Neither names of values nor numbers have a comma. */
function cellsOf(line: string): readonly string[] {
  return line.split(",").map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
}

function invalid(file: string, line: number, message: string): InvalidResource {
  return new InvalidResource("SERIES_INVALID", {
    at: { file, line },
    message,
    hint: "write lines such as `time,qps` and `30,120`",
  });
}
