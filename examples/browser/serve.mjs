// Serves this folder to browsers on this machine: node serve.mjs [PORT]
import { readFile } from "node:fs/promises"
import { createServer } from "node:http"
import { extname, join } from "node:path"

const types = { ".html": "text/html", ".js": "text/javascript" }

const server = createServer(async (request, response) => {
  try {
    // A parsed URL has no `..` left in its path.
    const { pathname } = new URL(request.url, "http://localhost")
    const file = pathname === "/" ? "/client.html" : pathname
    const type = types[extname(file)]
    const body = await readFile(join(import.meta.dirname, file))
    response.writeHead(200, { "Content-Type": `${type ?? "text/plain"}; charset=utf-8` }).end(body)
  } catch {
    response.writeHead(404).end("not found\n")
  }
})

server.listen(Number(process.argv[2] ?? 8080), "127.0.0.1", () => {
  console.log(`serving http://127.0.0.1:${server.address().port}/`)
})
