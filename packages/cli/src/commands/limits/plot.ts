/** Values over time as a drawing: one panel for each, one below the other. */

/** What one panel shows. */
export interface PlotPanel {
  readonly title: string;
  /** Whether it is what comes out, and not what goes in. */
  readonly isQuota: boolean;
  /** Each value holds until the next step; undefined where there is none. */
  readonly steps: readonly { readonly at: number; readonly value: number | undefined }[];
}

/** The time that all panels share. */
export interface PlotTime {
  readonly points: readonly { readonly at: number }[];
  /** Whether times are those of a clock; else they are told as seconds. */
  readonly isClock: boolean;
}

const WIDTH = 960;
const LEFT = 80;
const RIGHT = 20;
/** Height of a panel, of its title, and of what is below it. */
const [HEIGHT, TITLE, GAP] = [120, 24, 16];
const TIME_AXIS = 32;
const TICKS = 4;

/** A drawing in SVG. */
export function plotted(panels: readonly PlotPanel[], { points, isClock }: PlotTime): string {
  const [from = 0, until = 0] = [points[0]?.at, points.at(-1)?.at];
  const x = (at: number) => LEFT + ((WIDTH - LEFT - RIGHT) * (at - from)) / Math.max(1, until - from);
  const height = panels.length * (TITLE + HEIGHT + GAP) + TIME_AXIS;
  const drawn = panels.map((panel, index) => panelOf(panel, index * (TITLE + HEIGHT + GAP) + TITLE, x, until));
  const ticks = Array.from({ length: TICKS + 1 }, (_, tick) => from + ((until - from) * tick) / TICKS);
  const times = ticks.map((at) => textAt(x(at), height - 10, "middle", isClock ? new Date(at).toISOString() : `${rounded(at / 1_000)} s`));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...drawn,
    ...times,
    "</svg>\n",
  ].join("\n");
}

function panelOf({ title, isQuota, steps }: PlotPanel, top: number, x: (at: number) => number, until: number): string {
  const values = steps.flatMap(({ value }) => value ?? []);
  // Zero is in the picture, so that heights compare.
  const [least, most] = [Math.min(0, ...spread(values)), Math.max(0, ...spread(values))];
  const y = (value: number) => top + HEIGHT * (1 - (value - least) / (most - least || 1));
  const lines = [least, most].map((value) => {
    const at = number(y(value));
    return `<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" stroke="#ccc"/>\n${textAt(LEFT - 8, y(value) + 4, "end", rounded(value))}`;
  });
  const path = pathOf(steps, x, y, until);
  const color = isQuota ? "#b03a2e" : "#1f618d";
  return [
    textAt(LEFT, top - 8, "start", title),
    ...lines,
    ...(path === "" ? [] : [`<path d="${path}" fill="none" stroke="${color}" stroke-width="2"/>`]),
  ].join("\n");
}

/** Steps, with a gap where there is no value. */
function pathOf(steps: PlotPanel["steps"], x: (at: number) => number, y: (value: number) => number, until: number): string {
  let path = "";
  let before: number | undefined;
  for (const { at, value } of steps) {
    if (value === before) continue;
    if (before !== undefined) path += `H${number(x(at))}`;
    if (value !== undefined) path += before === undefined ? `M${number(x(at))} ${number(y(value))}` : `V${number(y(value))}`;
    before = value;
  }
  return before === undefined ? path : `${path}H${number(x(until))}`;
}

/** The smallest and the largest: there may be too many for arguments of a function. */
function spread(values: readonly number[]): readonly number[] {
  return values.length === 0 ? [] : [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
}

function textAt(x: number, y: number, anchor: string, text: string): string {
  return `<text x="${number(x)}" y="${number(y)}" text-anchor="${anchor}">${escaped(text)}</text>`;
}

/** A name may hold anything: XML has no place for most controls. */
function escaped(text: string): string {
  const printable = [...text].filter((character) => character >= " " && character !== "\x7f").join("");
  return printable.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function number(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(4)));
}
