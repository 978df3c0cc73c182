// Runs the Node reference server on a free loopback port, in the manner of `headwater serve`: the first
// line tells where it listens. With an argument it keeps its streams in that directory, without one in
// memory. It ends with its standard input, so that it never outlives the benchmark.
import { createRequire } from "node:module"

const require = createRequire(`${process.cwd()}/`)
const { DurableStreamTestServer } = require("@durable-streams/server")

// The server writes notices to the console; standard output is for the one line.
console.log = console.info = console.debug = console.error

const dataDir = process.argv[1]
const server = new DurableStreamTestServer({ host: "127.0.0.1", port: 0, ...(dataDir && { dataDir }) })
await server.start()
process.stdout.write(`listening on ${server.url}\n`)

process.stdin.resume()
process.stdin.on("end", () => process.exit(0))
process.on("SIGTERM", () => process.exit(0))
