/**
 * `npm run chart:package`: the release step of the chart. Writes `fenceline-<version>.tgz`, whose
 * images are pinned by digest: a tag can be moved after a review, so a release needs a digest.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parseDocument } from "yaml";
import { CHART, HELM, helm } from "./chart.ts";

/** An image as `<repository>@sha256:<64 hexadecimal digits>`. */
const PINNED = /^(?<repository>[^@\s]+)@(?<digest>sha256:[0-9a-f]{64})$/;

const USAGE = `usage: npm run chart:package -- --image REPOSITORY@sha256:… --global-sidecar-image REPOSITORY@sha256:… [--destination DIR]
  --image                 what the Dockerfile's last target was pushed as
  --global-sidecar-image  what its target global-sidecar was pushed as
  --destination           folder of the package (default: .)`;

interface Release {
  readonly image: Pinned;
  readonly globalSidecarImage: Pinned;
  readonly destination: string;
}

interface Pinned {
  readonly repository: string;
  readonly digest: string;
}

/** @throws {Error} with the argument that is missing or not a pinned image */
function readArguments(args: readonly string[]): Release {
  const text = { type: "string" } as const;
  const options = { image: text, "global-sidecar-image": text, destination: { ...text, default: "." } };
  const { values } = parseArgs({ args: [...args], options });
  return {
    image: pinned("--image", values.image),
    globalSidecarImage: pinned("--global-sidecar-image", values["global-sidecar-image"]),
    destination: values.destination,
  };
}

function pinned(flag: string, value: string | undefined): Pinned {
  const { repository, digest } = PINNED.exec(value ?? "")?.groups ?? {};
  if (repository !== undefined && digest !== undefined) return { repository, digest };
  throw new Error(value === undefined ? `${flag} is missing` : `${flag} ${value} names no digest: write REPOSITORY@sha256:…`);
}

/**
 * Sets the images in a copy of the chart, so that the tree does not change, and packs the copy.
 * Returns Helm's output.
 */
function packChart({ image, globalSidecarImage, destination }: Release): string {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-chart-"));
  try {
    const chart = join(folder, "fenceline");
    cpSync(CHART, chart, { recursive: true });
    const values = parseDocument(readFileSync(join(chart, "values.yaml"), "utf8"));
    for (const [path, { repository, digest }] of [
      [["image"], image],
      [["globalSidecar", "image"], globalSidecarImage],
    ] as const) {
      values.setIn([...path, "repository"], repository);
      values.setIn([...path, "digest"], digest);
    }
    writeFileSync(join(chart, "values.yaml"), values.toString({ lineWidth: 0 }));
    const { code, output, errors } = helm("package", chart, "--destination", destination);
    if (code !== 0) throw new Error(errors);
    return output;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

try {
  const release = readArguments(process.argv.slice(2));
  if (HELM === undefined) throw new Error("there is no Helm: run node scripts/tools/install.mjs helm");
  process.stdout.write(packChart(release));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}\n`);
  process.exitCode = 2;
}
