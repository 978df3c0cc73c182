// Drives Chromium for one test:
//
//   node browser.mjs MODULES CHROMIUM PROFILE DEADLINE
//
// MODULES is the folder that holds node_modules, PROFILE an empty folder for the browser, DEADLINE how many
// milliseconds any step may take. Each line of input is a step, {"do": VERB, "page": NAME, ...}, and is answered with
// one line, {"done": VALUE} or {"failed": REASON}; the first answer says that the browser runs. It ends with its input.
import { createRequire } from "node:module"
import { createInterface } from "node:readline"
import { pathToFileURL } from "node:url"

const [modules, executablePath, profile, deadline] = process.argv.slice(2)
const timeout = Number(deadline)
const { chromium } = createRequire(pathToFileURL(`${modules}/`))("playwright-core")

const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)

// The browser must not look for anything but what it is told to open.
const args = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
]
// No sandbox: where the tests are run by root, Chromium starts only without.
const options = { executablePath, args, timeout, headless: true, chromiumSandbox: false }
const browser = await chromium.launchPersistentContext(profile, options)
browser.setDefaultTimeout(timeout)
answer({ done: browser.browser()?.version() ?? null })

const pages = new Map()
const failures = []

const verbs = {
  async open({ name, url }) {
    const page = await browser.newPage()
    pages.set(name, page)
    page.on("pageerror", (error) => failures.push(`${name}: ${error.stack}`))
    page.on("console", (message) => console.error(`${name}: ${message.text()}`))
    await page.goto(url)
  },

  // All records that a page shows, once it shows `count`.
  async records({ page, count }) {
    const shown = page.locator("#records li")
    await page.waitForFunction((n) => document.querySelectorAll("#records li").length >= n, count)
    return shown.allTextContents()
  },

  async state({ page, state }) {
    await page.waitForFunction((s) => document.querySelector("#state").value === s, state)
  },

  // What a page shows in the place with this id.
  async value({ page, id }) {
    return page.locator(`#${id}`).evaluate((place) => place.value)
  },

  // Whether a page's requests reach a URL, and whether the page may look at the answers.
  async access({ page, url }) {
    const succeeds = ([url, mode]) => fetch(url, { mode }).then(() => true, () => false)
    const [reached, read] = ["no-cors", "cors"].map((mode) => page.evaluate(succeeds, [url, mode]))
    return { reached: await reached, read: await read }
  },

  async append({ page, text }) {
    await page.fill("input", text)
    await page.click("button")
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const { do: verb, page: name, ...rest } = JSON.parse(line)
  try {
    const done = await verbs[verb]({ ...rest, name, page: pages.get(name) })
    if (failures.length > 0) throw new Error(failures.join("\n"))
    answer({ done: done ?? null })
  } catch (error) {
    const page = pages.get(name)
    const shown = await page?.locator("body").innerText().catch((gone) => gone.message)
    answer({ failed: `${error.message}\nthe page shows:\n${shown}` })
  }
}
await browser.close()
