// Drives the published TypeScript client for one test, as told on the command line:
//
//   node ts_client.mjs MODULES write URL COUNT        creates a JSON stream, appends, closes nothing
//   node ts_client.mjs MODULES read URL               prints every value, one a line
//   node ts_client.mjs MODULES tail URL LIVE UNTIL    prints every value as it comes, until UNTIL
//   node ts_client.mjs MODULES produce URL            appends to a JSON stream until its input ends
//
// MODULES is the folder that holds node_modules. Values are {"n": 0}, {"n": 1} and so on.
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"

const [modules, verb, url, ...rest] = process.argv.slice(2)
const require = createRequire(pathToFileURL(`${modules}/`))
const client = await import(pathToFileURL(require.resolve("@durable-streams/client")))
const { DurableStream, IdempotentProducer, stream } = client

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)

const verbs = {
  // One half by plain appends, which the client batches, the other by an exactly-once producer.
  async write(count) {
    const half = Math.floor(Number(count) / 2)
    const handle = await DurableStream.create({ url, contentType: "application/json" })
    for (let n = 0; n < half; n++) await handle.append(JSON.stringify({ n }))
    const failures = []
    const producer = new IdempotentProducer(handle, "ts", {
      onError: (error) => failures.push(error),
    })
    for (let n = half; n < Number(count); n++) producer.append(JSON.stringify({ n }))
    await producer.flush()
    await producer.detach()
    if (failures.length > 0) throw failures[0]
    say(await handle.head())
  },

  // Prints {"retried": STATUS} for each answer to a request that was sent more than once, and in the
  // end {"produced": COUNT}. The producer leaves it to its `fetch` to try again after a connection
  // broke; the request is then the same, its tuple too.
  async produce() {
    const persistent = async (...request) => {
      for (let sent = 1; ; sent++) {
        try {
          const response = await fetch(...request)
          if (sent > 1) say({ retried: response.status })
          return response
        } catch (error) {
          if (!(error instanceof TypeError)) throw error
          await pause(10)
        }
      }
    }
    let ended = false
    process.stdin.resume().on("end", () => (ended = true))
    const failures = []
    const handle = new DurableStream({ url, contentType: "application/json" })
    const producer = new IdempotentProducer(handle, "ts", {
      fetch: persistent,
      lingerMs: 1,
      onError: (error) => failures.push(error),
    })
    let n = 0
    while (!ended && failures.length === 0) {
      producer.append(JSON.stringify({ n }))
      n += 1
      // More batches than are in flight at once wait at any time, and not many more.
      if (n % 3 === 0) await pause(1)
      while (producer.inFlightCount > 10) await pause(1)
    }
    await producer.flush()
    await producer.detach()
    if (failures.length > 0) throw failures[0]
    say({ produced: n })
  },

  async read() {
    const response = await stream({ url, offset: "-1", live: false })
    for (const value of await response.json()) say(value)
  },

  // A connection that breaks in the middle of an answer ends the client's stream with an error; an
  // application then goes on from the last offset it was given.
  async tail(live, until) {
    let offset = "-1"
    for (;;) {
      try {
        const response = await stream({ url, offset, live })
        response.subscribeJson((batch) => {
          for (const value of batch.items) {
            say(value)
            if (value.n === Number(until)) process.exit(0)
          }
          offset = batch.offset
        })
        await response.closed
      } catch (error) {
        console.error(`going on from ${offset} after: ${error.message}`)
      }
    }
  },
}

await verbs[verb](...rest)
