// Loaded before the server (`--require`). It keeps every listener on this machine, and fills in what Node 20 lacks.
const net = require('node:net')

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (...given) {
  const [first] = given
  if (first !== null && typeof first === 'object') {
    if (!first.path && !first.fd && !first._handle) given[0] = { ...first, host: '127.0.0.1' }
  } else if (typeof first === 'number' || /^\d+$/.test(String(first))) {
    const told = given.find((one) => typeof one === 'function')
    given = [{ port: Number(first), host: '127.0.0.1' }, ...(told ? [told] : [])]
  }
  return listen.apply(this, given)
}

const zlib = require('node:zlib')
zlib.createZstdDecompress ??= () => {
  throw new Error('This Node has no zstd.')
}
require('node:worker_threads').markAsUncloneable ??= () => {}
