/** A service of the demo: answers every request with its name. Usage: node service.ts NAME PORT */
import { createServer } from "node:http";

const [name = "service", port = "8080"] = process.argv.slice(2);

const server = createServer((_request, response) => {
  response.end(`${name}\n`);
});
server.listen(Number(port));
process.once("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
});
