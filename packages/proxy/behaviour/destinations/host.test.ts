import assert from "node:assert/strict";
import { test } from "node:test";
import { call, refusalOf, sendRaw } from "../../src/testing/client.ts";
import { SERVICE, startProxy, staticResolver } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

for (const [what, field] of Object.entries({
  missing: "",
  twice: `Host: ${SERVICE}\r\nHost: ${SERVICE}\r\n`,
  empty: "Host:\r\n",
  "with a space": "Host: a b\r\n",
  "with user information": `Host: user@${SERVICE}\r\n`,
  "with an unclosed bracket": "Host: [::1\r\n",
  "with port 0": `Host: ${SERVICE}:0\r\n`,
  "with port 65536": `Host: ${SERVICE}:65536\r\n`,
  "with a port that is no number": `Host: ${SERVICE}:http\r\n`,
  "with a path": `Host: ${SERVICE}/x\r\n`,
  "with an empty label": "Host: a..b\r\n",
  "a decimal IP address": "Host: 2130706433\r\n",
  "an octal IP address": "Host: 0177.0.0.1\r\n",
})) {
  test(`E1-05 Host ${what} gets 400`, async (t) => {
    const upstream = await startUpstream(t, (_request, response) => response.end());
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const answer = await sendRaw(proxy.port, `GET / HTTP/1.1\r\n${field}Connection: close\r\n\r\n`);

    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.match(answer, /fenceline-error: HOST_MALFORMED\r\n/);
    assert.equal(upstream.connections(), 0);
  });
}

test("E1-05 case and a trailing dot do not matter, and Host is forwarded as it was written", async (t) => {
  const upstream = await startUpstream(t, (request, response) => response.end(request.headers.host));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  for (const host of ["DETAILS.bookinfo.svc.cluster.local", `${SERVICE}.`, `${SERVICE}:80`, `${SERVICE}.:8080`]) {
    assert.equal((await call(proxy.port, { host })).body.toString(), host);
  }
});

test("E1-05 an absolute-form target wins over Host, which is rewritten", async (t) => {
  const upstream = await startUpstream(t, (request, response) => response.end(`${request.headers.host} ${request.url}`));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port, { host: "reviews.bookinfo", path: `http://${SERVICE}:80/a//b?c` });
  const bare = await call(proxy.port, { host: "reviews.bookinfo", path: `HTTP://${SERVICE}?c` });

  assert.equal(answer.body.toString(), `${SERVICE}:80 /a//b?c`);
  assert.equal(bare.body.toString(), `${SERVICE} /?c`);
});

test("E1-05 an absolute-form target does not excuse an invalid Host, and an https one is refused", async (t) => {
  const proxy = await startProxy(t, {});
  assert.equal((await call(proxy.port, { host: "a b", path: `http://${SERVICE}/` })).status, 400);
  assert.equal((await call(proxy.port, { path: `https://${SERVICE}/` })).status, 400);
});

test("a host outside the cluster gets 421", async (t) => {
  const proxy = await startProxy(t, {});
  for (const host of ["www.example.com", "api.partner.example.org:443"]) {
    const answer = await call(proxy.port, { host });
    assert.equal(answer.status, 421);
    assert.equal(refusalOf(answer).code, "HOST_NOT_SERVED");
  }
});

test("a short name goes with the caller's namespace: of fence-source, else of slime-source-ns, else 421", async (t) => {
  const asked: unknown[] = [];
  const proxy = await startProxy(
    t,
    {},
    {
      resolver: {
        resolve({ host, namespace }) {
          asked.push([host, namespace]);
          return undefined;
        },
      },
    },
  );

  await call(proxy.port, { host: "details", source: "bookinfo/productpage", headers: { "slime-source-ns": "other" } });
  await call(proxy.port, { host: "details", source: null, headers: { "slime-source-ns": "slime" } });
  const answer = await call(proxy.port, { host: "details", source: "not/a/fence" });

  assert.deepEqual(asked, [
    ["details", "bookinfo"],
    ["details", "slime"],
  ]);
  assert.equal(answer.status, 421);
});

test("the port is that of Host, else that of the original destination, else 80", async (t) => {
  const asked: number[] = [];
  const proxy = await startProxy(
    t,
    {},
    {
      resolver: {
        resolve({ kind, port }) {
          if (kind === "name") asked.push(port);
          return undefined;
        },
      },
    },
  );

  await call(proxy.port, { host: `${SERVICE}:8080`, headers: { "slime-orig-dest": "10.0.0.1:9090" } });
  await call(proxy.port, { headers: { "slime-orig-dest": "10.0.0.1:9090" } });
  await call(proxy.port);

  assert.deepEqual(asked, [8080, 9090, 80]);
});

test("a made-up Host goes to the original destination when that is a service, with Host unchanged", async (t) => {
  const upstream = await startUpstream(t, (request, response) => response.end(request.headers.host));
  const proxy = await startProxy(t, { "10.96.0.1:80": [upstream.port] });

  for (const host of ["made.up.example", "made-up", "10.96.0.1"]) {
    const answer = await call(proxy.port, { host, headers: { "slime-orig-dest": "10.96.0.1:80" } });
    assert.equal(answer.body.toString(), host);
  }
  const [edge] = await proxy.reported.waitFor(3);
  assert.deepEqual(edge?.originalDestination, { address: "10.96.0.1", port: 80 });
});

test("the name wins over the original destination", async (t) => {
  const named = await startUpstream(t, (_request, response) => response.end("named"));
  const original = await startUpstream(t, (_request, response) => response.end("original"));
  const proxy = await startProxy(t, { [SERVICE]: [named.port], "10.96.0.1:80": [original.port] });

  const answer = await call(proxy.port, { headers: { "slime-orig-dest": "10.96.0.1:80" } });

  assert.equal(answer.body.toString(), "named");
});

test("B2.1-12 an IPv6 address is a host and an original destination like any other", async (t) => {
  const upstream = await startUpstream(t, (request, response) => response.end(request.headers.host));
  const proxy = await startProxy(t, { "fd00::1:8080": [upstream.port] });

  assert.equal((await call(proxy.port, { host: "[fd00::1]:8080" })).body.toString(), "[fd00::1]:8080");
  const byOriginal = await call(proxy.port, { host: "made-up", headers: { "slime-orig-dest": "[fd00::1]:8080" } });
  assert.equal(byOriginal.body.toString(), "made-up");
});

for (const value of [
  "10.0.0.1",
  "10.0.0.1:0",
  "10.0.0.1:65536",
  "details:80",
  "::1:80",
  "[::1]",
  "[::1:80",
  "10.0.0.1:80, 10.0.0.2:80",
  "",
]) {
  test(`B2.1-12 an original destination of ${JSON.stringify(value)} gets 400`, async (t) => {
    const proxy = await startProxy(t, {});
    const answer = await call(proxy.port, { headers: { "slime-orig-dest": value } });
    assert.equal(answer.status, 400);
    assert.equal(refusalOf(answer).code, "ORIGINAL_DESTINATION_MALFORMED");
  });
}

test("a service without endpoints and one that does not exist both get 503, and can be told apart", async (t) => {
  const proxy = await startProxy(t, {}, { resolver: staticResolver({ [SERVICE]: [] }) });
  assert.equal(refusalOf(await call(proxy.port)).code, "NO_ENDPOINTS");
  assert.equal(refusalOf(await call(proxy.port, { host: "none.bookinfo" })).code, "NO_SUCH_SERVICE");
});
