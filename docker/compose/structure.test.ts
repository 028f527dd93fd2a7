import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseManifests } from "@fenceline/api";
import { parse } from "yaml";
import { PROJECT, parseComposition, projectFile } from "./composition.ts";

const { services, networks, volumes } = parseComposition(projectFile("docker-compose.yml"));
const each = Object.entries(services);

test("every service of the composition has an image that is pinned or built here, and one of a name is built once", () => {
  for (const [name, { image, build }] of each) assert.ok(build !== undefined || /:v?\d/.test(image), name);
  const built = each.flatMap(([, { image, build }]) => (build === undefined ? [] : [image]));
  assert.deepEqual([...new Set(built)], built);
});

test("every mounted file exists, and every volume, network and dependency is declared", () => {
  for (const [name, service] of each) {
    for (const [source = ""] of (service.volumes ?? []).map((volume) => volume.split(":"))) {
      assert.ok(source.startsWith("./") ? existsSync(join(PROJECT, source)) : source in volumes, `${name} ${source}`);
    }
    for (const network of Object.keys(service.networks)) assert.ok(network in networks, `${name} ${network}`);
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      assert.ok(condition === "service_started" || services[other]?.healthcheck !== undefined, `${name} waits for ${other}`);
    }
  }
});

test("no container has a privilege, and every published port is on loopback", () => {
  for (const [name, { privileged, cap_drop, security_opt, ports = [] }] of each) {
    assert.deepEqual([privileged, cap_drop, security_opt], [undefined, ["ALL"], ["no-new-privileges:true"]], name);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:(\d+):\1$/);
  }
});

test("the manifests of the demo are valid, and their addresses are those of the containers", () => {
  const { objects, ignored } = parseManifests(projectFile("docker/mesh.yaml"), "mesh.yaml");
  assert.deepEqual(ignored, []);
  const addresses = new Map(
    each.map(
      ([
        name,
        {
          networks: { mesh },
        },
      ]) => [name, mesh?.ipv4_address],
    ),
  );
  assert.equal(new Set(addresses.values()).size, each.length);
  for (const object of objects) {
    if (object.kind !== "EndpointSlice") continue;
    const name = object.metadata.labels["kubernetes.io/service-name"] ?? "";
    assert.deepEqual(
      object.endpoints?.flatMap((endpoint) => endpoint.addresses),
      [addresses.get(name)],
    );
    assert.deepEqual(services[name]?.command, [name, String(object.ports?.[0]?.port)]);
  }
});

test("Prometheus scrapes containers that exist", () => {
  const { scrape_configs: jobs } = parse(projectFile("docker/prometheus.yaml"));
  for (const { static_configs: configs } of jobs) {
    for (const { targets } of configs) for (const target of targets) assert.ok(target.split(":")[0] in services, target);
  }
});
