// Reading and writing the sections of a WebAssembly module, as far as stripping one needs it.

/** The module without its custom sections: names and producers, which browsers don't need. */
export function stripped(module) {
  const kept = [module.subarray(0, 8)];
  let at = 8;
  while (at < module.length) {
    const start = at;
    const id = module[at++];
    let size = 0;
    for (let shift = 0, byte = 0x80; byte & 0x80; shift += 7) {
      byte = module[at++];
      size += (byte & 0x7f) * 2 ** shift;
    }
    at += size;
    if (id !== 0) kept.push(module.subarray(start, at));
  }
  return Buffer.concat(kept);
}
