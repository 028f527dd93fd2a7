/** The real protos of Envoy, loaded by protobufjs as the reference of the tests. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import protobuf from "protobufjs";

const require = createRequire(import.meta.url);
const packageFolder = (name: string) => dirname(require.resolve(`${name}/package.json`));

const DEPS = join(packageFolder("@grpc/grpc-js-xds"), "deps");
const OWN = join(import.meta.dirname, "../../testdata/protos");
const IMPORT_PATHS = [
  ...["envoy-api", "xds", "protoc-gen-validate", "googleapis"].map((name) => join(DEPS, name)),
  packageFolder("protobufjs"),
  OWN,
];

/** `StreamAccessLogsMessage` of v3. */
export const V3 = load("envoy/service/accesslog/v3/als.proto", "envoy.service.accesslog.v3.StreamAccessLogsMessage");

/** `StreamAccessLogsMessage` of v2. */
export const V2 = load("envoy/service/accesslog/v2/als.proto", "envoy.service.accesslog.v2.StreamAccessLogsMessage");

/** The same message, cut down to the fields that our decoder reads. */
export const FIELDS_READ = load("fields-read.proto", "fieldsread.StreamAccessLogsMessage");

function load(file: string, type: string): protobuf.Type {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => IMPORT_PATHS.map((path) => join(path, target)).find(existsSync) ?? target;
  return root.loadSync(file).resolveAll().lookupType(type);
}
