// A real Bluesky PDS on this machine alone: its accounts are named in a directory that lives in memory, and it asks nobody.
//   PORT, DIRECTORY_PORT: where to listen.   DATA: an empty folder.
import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { PDS } from '@atproto/pds'
import plc from '@did-plc/server'

const port = Number(process.env.PORT)
const directoryPort = Number(process.env.DIRECTORY_PORT)
const blobs = path.join(process.env.DATA, 'blobs')
fs.mkdirSync(blobs, { recursive: true })

const directory = plc.PlcServer.create({ db: plc.Database.mock(), port: directoryPort })
await directory.start()

const secret = () => crypto.randomBytes(32).toString('hex')
const pds = await PDS.fromEnv({
  devMode: true,
  port,
  dataDirectory: process.env.DATA,
  blobstoreDiskLocation: blobs,
  adminPassword: secret(),
  jwtSecret: secret(),
  dpopSecret: secret(),
  plcRotationKeyK256PrivateKeyHex: secret(),
  didPlcUrl: `http://127.0.0.1:${directoryPort}`,
  serviceHandleDomains: ['.test'],
  bskyAppViewUrl: 'http://127.0.0.1:9',
  bskyAppViewDid: 'did:web:appview.invalid',
  inviteRequired: false,
  disableSsrfProtection: true,
  crawlers: [],
  rateLimitsEnabled: true,
})
await pds.start()

// Nobody's name server knows a handle under .test: this server answers for its own.
const elsewhere = pds.ctx.idResolver.handle.resolve.bind(pds.ctx.idResolver.handle)
pds.ctx.idResolver.handle.resolve = async (handle) => {
  if (!handle.endsWith('.test')) return elsewhere(handle)
  const answer = await fetch(`http://127.0.0.1:${port}/xrpc/com.atproto.identity.resolveHandle?handle=${handle}`)
  return answer.ok ? (await answer.json()).did : undefined
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, async () => {
    await pds.destroy()
    await directory.destroy()
    process.exit(0)
  })
}
